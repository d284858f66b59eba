/**
 * A client as docs/deployment.md has it, which goes on: it numbers its messages, sends again after a reconnect what has no
 * answer yet, and keeps account.
 */

import { onTestFinished } from "vitest";
import { Client } from "../../../mod.ts";

export interface Loss {
  readonly code: number;
  readonly reason: string;
  /** In milliseconds. */
  readonly time: number;
}

export class Talker {
  readonly losses: Loss[] = [];
  readonly #client: Client;
  readonly #unanswered = new Set<string>();
  readonly #sending: Promise<void>;
  readonly #reading: Promise<void>;
  #answered = 0;
  #isOver = false;
  #onAnswer: () => void = () => {};

  static async start(url: string): Promise<Talker> {
    const talker = new Talker(url);
    await talker.#client.opened;
    return talker;
  }

  private constructor(url: string) {
    this.#client = new Client(url, {
      retryConfig: {
        interval: 0.05,
        retryOn: ({ closure }, byDefault) => {
          this.losses.push({ code: closure.code, reason: closure.reason, time: performance.now() });
          return byDefault;
        },
        onReconnect: async (client) => {
          for (const number of [...this.#unanswered]) await client.writeTextMessage(number);
        },
      },
    });
    onTestFinished(() => this.#client.terminate());
    this.#reading = this.#read();
    this.#sending = this.#send();
    // They end with the client; a test that fails has said why.
    for (const ending of [this.#reading, this.#sending]) ending.catch(() => {});
  }

  /** Resolves when so many more have been answered. */
  async hears(count: number): Promise<void> {
    const wanted = this.#answered + count;
    while (this.#answered < wanted) await this.#nextAnswer();
  }

  /** Sends no more, and waits for the answers. Resolves with the numbers that have none. */
  async stop(): Promise<string[]> {
    this.#isOver = true;
    await this.#sending;
    while (this.#unanswered.size > 0) await this.#nextAnswer();
    await this.#client.close();
    await this.#reading;
    return [...this.#unanswered];
  }

  #nextAnswer(): Promise<void> {
    return Promise.race([
      new Promise<void>((resolve) => this.#onAnswer = resolve),
      this.#client.closed.then(({ code }) => {
        throw new Error(`The connection ended with ${code}`);
      }),
    ]);
  }

  async #send(): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      this.#unanswered.add(`${number}`);
      await this.#client.writeTextMessage(`${number}`);
      // A few are on their way at any time.
      while (this.#unanswered.size > 3) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #read(): Promise<void> {
    for await (const message of this.#client) {
      // One that was sent again may be answered twice.
      if (this.#unanswered.delete(String(message))) this.#answered++;
      this.#onAnswer();
    }
  }
}
