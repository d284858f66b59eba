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

export class AnswerCache<Value> {
  readonly #most: number;
  /** In the order in which they were asked for. */
  readonly #answers = new Map<string, Answer<Value>>();
  /** What is being asked. */
  readonly #pending = new Map<string, Promise<Answer<Value>>>();

  /** @param most answers that are kept; 0 for none */
  constructor(most: number) {
    this.#most = most;
  }

  /** The answer that is known, or the one that `ask` gets: once for all who want it meanwhile. A failure is not kept. */
  async get(question: string, ask: () => Promise<Answer<Value>>): Promise<Value> {
    const key = await hash(question);
    const known = this.#answers.get(key);
    this.#answers.delete(key);
    if (known !== undefined && known.until > Date.now()) {
      this.#answers.set(key, known);
      return known.value;
    }
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = ask().finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    const answer = await pending;
    this.#keep(key, answer);
    return answer.value;
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

async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(encodeUtf8(text));
  return String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
