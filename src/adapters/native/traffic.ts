/** What is under way on a runtime's own server, and when nothing is any more. Knows no runtime. */

import type { Clock } from "../../transport/clock.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";

export class Traffic {
  /** Sockets, while they are open. */
  readonly #sockets = new Set<MessageSocket>();
  #undecided = 0;
  #waiting: (() => void)[] = [];

  opened(socket: MessageSocket): void {
    this.#sockets.add(socket);
  }

  closed(socket: MessageSocket): void {
    this.#sockets.delete(socket);
    this.#changed();
  }

  /** @param decided resolves when the upgrade is decided; never rejects */
  decide(decided: Promise<unknown>): void {
    this.#undecided++;
    const settled = (): void => {
      this.#undecided--;
      this.#changed();
    };
    decided.then(settled, settled);
  }

  /** Resolves once every upgrade is decided and every socket has closed. */
  async over(): Promise<void> {
    while (this.#undecided + this.#sockets.size > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #changed(): void {
    if (this.#waiting.length === 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Resolves when `stopped` does, or after `ms`: what a runtime still waits for then is nobody's concern. */
export function within(ms: number, clock: Pick<Clock, "after">, stopped: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve);
    stopped.then(() => resolve(), reject).then(cancel);
  });
}
