/**
 * Reading one message at a time (features C4, C7): reads wait in line, and are served in order. A message of the other
 * kind refuses the read and stays; so does one that comes too late.
 */

import { PayloadBindingError } from "../errors.ts";
import type { Cancel } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Inbox, MessageTaker } from "./inbox.ts";
import { type ReadOptions, readTimedOut } from "./pending_nexts.ts";
import { Ring } from "./ring.ts";

interface PendingRead {
  /** What the read accepts. False: it is refused. */
  readonly deliver: (message: Message) => boolean;
  readonly reject: (reason: unknown) => void;
  cancelTimeout: Cancel | undefined;
  timedOut: boolean;
}

export class MessageReads implements MessageTaker {
  readonly #inbox: Inbox;
  readonly #options: ReadOptions;
  readonly #pending = new Ring<PendingRead>();

  constructor(inbox: Inbox, options: ReadOptions) {
    this.#inbox = inbox;
    this.#options = options;
  }

  /** Reads a text message. Rejects as `read` does, and with a `PayloadBindingError` when the next one is binary. */
  readText(): Promise<string> {
    return this.#read((message) => typeof message === "string" ? message : undefined, "text");
  }

  /** Reads a binary message. Rejects as `read` does, and with a `PayloadBindingError` when the next one is text. */
  readBinary(): Promise<Uint8Array> {
    return this.#read((message) => typeof message === "string" ? undefined : message, "binary");
  }

  /**
   * Reads a message. Rejects with a `ConnectionClosureError` after the last one, with a `ReadTimedOutError` when none
   * came in time, with a `TypeError` while somebody else reads.
   */
  read(): Promise<Message> {
    return this.#read((message) => message, "whole");
  }

  take(message: Message): boolean {
    let taken = false;
    while (!taken) {
      const read = this.#shift();
      if (read === undefined) break;
      taken = read.deliver(message);
    }
    this.#unlockIfIdle();
    return taken;
  }

  ended(): void {
    for (let read = this.#shift(); read !== undefined; read = this.#shift()) read.reject(this.#failure());
    this.#unlockIfIdle();
  }

  #read<T extends Message>(pick: (message: Message) => T | undefined, kind: string): Promise<T> {
    // A message that is there already needs no line to wait in.
    if (!this.#inbox.locked) {
      const waiting = this.#inbox.peek();
      const picked = waiting === undefined ? undefined : pick(waiting);
      if (picked !== undefined) {
        this.#inbox.next();
        return Promise.resolve(picked);
      }
    }
    return new Promise<T>((resolve, reject) => {
      // Throws, and so rejects, while somebody else reads.
      this.#inbox.lock(this, "a read method");
      const deliver = (message: Message): boolean => {
        const picked = pick(message);
        if (picked === undefined) {
          const found = typeof message === "string" ? "text" : "binary";
          reject(new PayloadBindingError(`Cannot read a ${kind} message: the next one is ${found}`));
          return false;
        }
        resolve(picked);
        return true;
      };
      const waiting = this.#inbox.peek();
      if (this.#pending.length === 0 && waiting !== undefined) {
        if (deliver(waiting)) this.#inbox.next();
      } else if (this.#inbox.isOver) reject(this.#failure());
      else this.#pend({ deliver, reject, cancelTimeout: undefined, timedOut: false });
      this.#unlockIfIdle();
    });
  }

  #pend(read: PendingRead): void {
    this.#pending.push(read);
    const { clock, readMs } = this.#options;
    if (readMs === Infinity) return;
    read.cancelTimeout = clock.after(readMs, () => {
      read.timedOut = true;
      read.reject(readTimedOut(readMs));
      // The oldest is the first whose time is up, so none stays behind.
      while (this.#pending.peek()?.timedOut) this.#pending.shift();
      this.#unlockIfIdle();
    });
  }

  #shift(): PendingRead | undefined {
    const read = this.#pending.shift();
    read?.cancelTimeout?.();
    return read;
  }

  #unlockIfIdle(): void {
    if (this.#pending.length === 0) this.#inbox.unlock(this);
  }

  /** A read that finds nothing more fails, however it ended. */
  #failure(): Error {
    return this.#inbox.closedError("Cannot read a message");
  }
}
