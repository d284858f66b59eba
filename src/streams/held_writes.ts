/** Who waits until there is room, and the writes that do. Bounded by its user's limit. */

import { type ConnectionClosureError, WriteTimedOutError } from "../errors.ts";
import type { Clock } from "../transport/clock.ts";
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

/** A message that is sent in parts, and waits for its turn or has it. */
export interface PartsTurn {
  /** Now nothing else is sent. False: it has no use for its turn any more, which is over then. */
  begin(): boolean;
  /** There is room again. */
  goOn(): void;
  /** The connection has ended, or is closed, before the message was sent. */
  ended(error: ConnectionClosureError): void;
}

/** A write that waits, and since when, in the clock's milliseconds. */
export interface HeldWrite extends Waiter {
  /** Whose turn it is, instead of a message. */
  readonly turn?: PartsTurn;
  /** Asked before a connection that was not there yet gets it. Absent: it is wanted. */
  readonly isWanted?: (() => boolean) | undefined;
  readonly message: Message;
  readonly bytes: number;
  readonly compress: boolean;
  readonly since: number;
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

  /** Whether `bytes` more are within `limit`, the first write's too. */
  fits(bytes: number, limit: number): boolean {
    return this.bytes + bytes + COST * (this.length + 1) <= limit;
  }

  /** Keeps a copy of `message`, whose bytes stay the caller's. Settles when somebody who took it out settles it. */
  add(message: Message, bytes: number, compress = true, since = 0, isWanted?: () => boolean): Promise<void> {
    const copy = typeof message === "string" ? message : message.slice();
    return new Promise((resolve, reject) =>
      this.put({ message: copy, bytes, compress, since, isWanted, resolve, reject })
    );
  }

  /** Takes a write over that was held elsewhere. */
  put(write: HeldWrite): void {
    this.bytes += write.bytes;
    this.#ring.push(write);
  }

  /** The oldest one, which stays. */
  peek(): HeldWrite | undefined {
    return this.#ring.peek();
  }

  /** Takes the oldest one out. */
  next(): HeldWrite | undefined {
    const write = this.#ring.shift();
    if (write !== undefined) this.bytes -= write.bytes;
    return write;
  }

  /** Takes those out that are no message, and wait for their turn. */
  takeTurns(): PartsTurn[] {
    const turns: PartsTurn[] = [];
    for (let left = this.length; left > 0; left--) {
      const write = this.next()!;
      if (write.turn === undefined) this.put(write);
      else turns.push(write.turn);
    }
    return turns;
  }

  /** Moves to `other` what is still wanted; the rest is done with. */
  moveTo(other: HeldWrites): void {
    for (let write = this.next(); write !== undefined; write = this.next()) {
      if (write.isWanted?.() === false) write.resolve();
      else other.put(write);
    }
  }
}

/** As `room`; rejects when that takes longer than `writeMs` milliseconds, Infinity for ever. Its rejection may go unheard. */
export function inTime(room: Promise<void>, writeMs: number, clock: Clock): Promise<void> {
  if (writeMs === Infinity) return room;
  const timed = new Promise<void>((resolve, reject) => {
    const cancel = clock.after(writeMs, () => reject(writeTimedOut(writeMs)));
    room.then(resolve, reject).then(cancel);
  });
  timed.catch(ignore);
  return timed;
}

/** The error of a write that waited for `writeMs` milliseconds in vain. */
export function writeTimedOut(writeMs: number): WriteTimedOutError {
  return new WriteTimedOutError(`Cannot send a message: the peer took none within ${writeMs / 1_000} s`);
}

function ignore(): void {}
