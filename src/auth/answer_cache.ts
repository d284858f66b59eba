/**
 * Answers to the same question, asked once (features A1): kept until they are out of date, and only so many of them, those
 * that were not asked for longest given up first. A question that is a secret is kept as its hash.
 */

import { encodeUtf8 } from "../bytes.ts";

/** An answer, and how long it is good. */
export interface Answer<Value> {
  readonly value: Value;
  /** Milliseconds since 1970; not after now: it is not kept. */
  readonly until: number;
}

/** What is being asked. */
interface Pending<Value> {
  readonly answer: Promise<Answer<Value>>;
  readonly asking: AbortController;
  /** How many want to know. */
  waiting: number;
}

/** Why it is asked no more, when nobody wants to know. */
const GIVEN_UP = new Error("Nobody waits for the answer any more");

export class AnswerCache<Value> {
  readonly #most: number;
  /** In the order in which they were asked for. */
  readonly #answers = new Map<string, Answer<Value>>();
  readonly #pending = new Map<string, Pending<Value>>();

  /** @param most answers that are kept; 0 for none */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * The answer that is known, or the one that `ask` gets: once for all who want it meanwhile. A failure is not kept.
   *
   * @param signal aborted when this one does not want to know any more
   * @param ask its signal is aborted when nobody does; it need not look at it
   */
  async get(
    question: string,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<Answer<Value>>,
  ): Promise<Value> {
    const key = await hash(question);
    for (;;) {
      signal.throwIfAborted();
      const known = this.#answers.get(key);
      this.#answers.delete(key);
      if (known !== undefined && known.until > Date.now()) {
        this.#answers.set(key, known);
        return known.value;
      }
      try {
        const answer = await wait(this.#pending.get(key) ?? this.#begin(key, ask), signal);
        this.#keep(key, answer);
        return answer.value;
      } catch (error) {
        // The others have left just when this one came.
        if (error !== GIVEN_UP) throw error;
      }
    }
  }

  #begin(key: string, ask: (signal: AbortSignal) => Promise<Answer<Value>>): Pending<Value> {
    const asking = new AbortController();
    const answer = ask(asking.signal).finally(() => this.#pending.delete(key));
    const pending = { answer, asking, waiting: 0 };
    this.#pending.set(key, pending);
    return pending;
  }

  #keep(key: string, answer: Answer<Value>): void {
    // Nor what is no time.
    if (!(answer.until > Date.now())) return;
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#most) this.#answers.delete(oldest!);
  }
}

async function wait<Value>(pending: Pending<Value>, signal: AbortSignal): Promise<Answer<Value>> {
  pending.waiting++;
  const leave = (): void => {
    if (--pending.waiting === 0) pending.asking.abort(GIVEN_UP);
  };
  signal.addEventListener("abort", leave);
  try {
    return await pending.answer;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(encodeUtf8(text));
  return String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
