/**
 * One end of a WebSocket as those who read and write messages see it, whether there is one connection behind it or one
 * after the other; and who is told what comes. Types only.
 */

import type { Closure, ConnectionClosureError, PayloadTooLargeError, WebSocketError } from "../errors.ts";
import type { Message } from "../transport/message_socket.ts";
import type { HeldWrites } from "./held_writes.ts";
import type { MessageQueue } from "./message_queue.ts";
import type { Writes } from "./writes.ts";

/** Who reads: told of each thing as it happens. Must not throw. */
export interface EndpointReader {
  /** A whole message, the reader's from now on. It may be put into `endpoint.queue` with `hold`. */
  message(message: Message): void;
  /** As a `MessageSink`'s. Present where the socket hands on messages in parts. */
  messagePart?(part: Message, fin: boolean): void;
  /** Present: this answers pings, with `endpoint.sendPong`. Absent: they are answered with the same payload. */
  ping?(payload: Uint8Array): void;
  /** A pong, but for those of keep-alive. */
  pong?(payload: Uint8Array): void;
  /** Nothing was heard for `idleMs`, again and again. */
  idle?(): void;
  /** The peer's close frame. A `close` from in here is the answer; without one it is echoed. */
  closing?(code: number, reason: string): void;
  /** Writes that no socket was handed, and that this connection will not send any more. Absent: they are rejected. */
  unsent?(writes: HeldWrites): void;
  /** Exactly once, and last. */
  closed(closure: Closure): void;
}

/** What a reader and a writer need. */
export interface MessageEndpoint {
  /** What came and was not read yet. */
  readonly queue: MessageQueue;
  /** Open while messages go straight to a connection; connecting while there is none, and another will follow. */
  readonly state: "connecting" | "open" | "closing" | "closed";
  /** How it ended, once it has. */
  readonly closure: Closure | undefined;
  /** Messages were dropped behind our close frame: what was read is not all. */
  readonly overflowed: boolean;
  /** The sub-protocol that was agreed on, empty for none. */
  readonly protocol: string;
  /** Seconds from our last keep-alive ping to its pong; undefined before the first. */
  readonly latency: number | undefined;
  /** Bytes accepted and not yet with the operating system. */
  readonly bufferedAmount: number;
  /** The error of an operation that it is too late for: `action` is its first half. */
  closedError(action: string): ConnectionClosureError;
  /** Puts `message` into `queue`, its own or one beside it, within `readAhead`. */
  hold(message: Message, queue?: MessageQueue): void;
  /** As `hold`, for what its reader keeps until it calls `queue.countOut`. False: it is to be dropped. */
  holdElsewhere(message: Message): boolean;
  /**
   * To be called after messages were taken out of `queue`, its own or one beside it.
   * @param mayWait false: the reader has more to do than what is in `queue`
   */
  released(queue?: MessageQueue, mayWait?: boolean): void;
  /** Closes, because what came is more than its reader takes: neither it nor anything behind it is delivered. */
  refuse(violation: PayloadTooLargeError): void;
  /** What is being sent; undefined while there is no connection. */
  readonly writes: Writes | undefined;
  /** Undefined: go on; a promise: it waits, and this resolves when the next may follow. Throws when it cannot be sent. */
  send(message: Message, compress?: boolean): Promise<void> | undefined;
  /**
   * As `send`, but what has to wait for a connection is dropped, and resolves, when `isWanted` says false by then. Absent
   * where there is no other connection to wait for.
   */
  sendIfWanted?(message: Message, isWanted: () => boolean): Promise<void> | undefined;
  /** Sends a ping. Absent where there is none. */
  sendPing?: ((payload: Uint8Array) => void) | undefined;
  /** Sends a pong. Absent where there is none. */
  sendPong?: ((payload: Uint8Array) => void) | undefined;
  /** Closes, and resolves with how it ended. */
  close(code?: number, reason?: string, timeoutMs?: number, overflow?: "drop" | "wait"): Promise<Closure>;
  /** Drops it now. `reason` is what connecting fails with, while there was no connection yet. */
  terminate(error?: WebSocketError, reason?: unknown): void;
  /** Resolves with how it ended; never rejects. */
  whenClosed(): Promise<Closure>;
}
