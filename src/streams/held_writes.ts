/** Who waits until there is room, and the writes that do. Bounded by its user's limit. */

import type { Message } from "../transport/message_socket.ts";
import { Ring } from "./ring.ts";

/** Somebody who waits until there is room. */
export interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** All who wait for the same room: one promise, however many they are. */
export class Room implements Waiter {
  resolve!: () => void;
  reject!: (reason: unknown) => void;
  readonly promise: Promise<void> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

interface HeldWrite extends Waiter {
  readonly message: Message;
  readonly bytes: number;
  readonly compress: boolean;
}

/** What a write that waits costs besides its bytes, about: counted, so that empty messages are bounded too. */
const COST = 64;

export class HeldWrites {
  readonly #ring = new Ring<HeldWrite>();
  /** How many bytes wait. */
  bytes = 0;

  get length(): number {
    return this.#ring.length;
  }

  /** Whether `bytes` more pass `limit`. The first write always fits: it may be larger than any limit. */
  isFullFor(bytes: number, limit: number): boolean {
    return this.length > 0 && this.bytes + bytes + COST * this.length > limit;
  }

  /** Keeps a copy of `message`, whose bytes stay the caller's. Settles when somebody who took it out settles it. */
  add(message: Message, bytes: number, compress = true): Promise<void> {
    this.bytes += bytes;
    const copy = typeof message === "string" ? message : message.slice();
    return new Promise((resolve, reject) => this.#ring.push({ message: copy, bytes, compress, resolve, reject }));
  }

  /** Takes the oldest one out. */
  next(): HeldWrite | undefined {
    const write = this.#ring.shift();
    if (write !== undefined) this.bytes -= write.bytes;
    return write;
  }
}
