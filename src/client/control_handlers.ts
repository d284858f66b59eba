/**
 * Calls the handlers that a client's user gave for pings, pongs and idleness: may they be slow, nothing piles up, and may
 * they fail, somebody is told. Knows no connection.
 */

import type { PingReply } from "./options.ts";

/** How many pings may be in the hands of a slow handler. */
const MAX_PINGS_IN_HAND = 16;

export class ControlHandlers {
  readonly #report: (error: unknown) => void;
  #pingsInHand = 0;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Calls `handler`, and `answer` with the bytes it gives: at once, unless it gives a promise of them. */
  ping(handler: () => PingReply | Promise<PingReply>, answer: (bytes: Uint8Array | ArrayBuffer) => void): void {
    // RFC 6455 §5.5.3: not every ping needs an answer of its own.
    if (this.#pingsInHand === MAX_PINGS_IN_HAND) return;
    let reply: PingReply | Promise<PingReply>;
    try {
      reply = handler();
      if (!(reply instanceof Promise)) {
        if (reply !== undefined) answer(reply);
        return;
      }
    } catch (error) {
      return this.#report(error);
    }
    this.#pingsInHand++;
    reply.then((bytes) => {
      if (bytes !== undefined) answer(bytes);
    }).catch(this.#report).finally(() => this.#pingsInHand--);
  }

  /** Calls `handler`, which answers nothing. */
  call(handler: () => void | Promise<void>): void {
    callHandler(handler, this.#report);
  }
}

/** Calls `handler`, which answers nothing; `report` is told when it fails. */
export function callHandler(handler: () => void | Promise<void>, report: (error: unknown) => void): void {
  try {
    const called = handler();
    if (called instanceof Promise) called.catch(report);
  } catch (error) {
    report(error);
  }
}
