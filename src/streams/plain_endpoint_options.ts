/** How an endpoint paces and ends, checked and in milliseconds. Knows no default that a user sees. */

import type { BufferBudget } from "../transport/buffer_budget.ts";
import type { Clock } from "../transport/clock.ts";
import type { Deadlines } from "../transport/deadlines.ts";
import type { MessageQueue, ReadAhead } from "./message_queue.ts";

/**
 * The option `bufferPolicy`: what becomes of a message that would pass `maxBufferedAmount`. `"wait"`: its write waits; as
 * many bytes again may, and then writes reject with a `ConnectionError`. `"drop"`: the message is dropped, and its write
 * resolves. `"close"`: the connection is closed with 1013.
 */
export type BufferPolicy = "wait" | "drop" | "close";

/** How an endpoint paces and ends. Validated already; Infinity switches a time off. */
export interface PlainEndpointOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly readAhead: ReadAhead;
  /** Bytes that may wait for a slow peer; with the policy `wait`, as many again may wait for those. */
  readonly maxBufferedAmount: number;
  readonly bufferPolicy: BufferPolicy;
  /** Where all connections of a listener count what they keep; undefined: nowhere. */
  readonly buffers?: BufferBudget;
  /** Messages that may come within a second, inclusive. Infinity by default. */
  readonly maxMessagesPerSecond?: number;
  /** Milliseconds without a message or a ping. */
  readonly idleMs: number;
  /** Milliseconds `close` waits for the peer's close frame. */
  readonly closeMs: number;
  /** Milliseconds until a close that does not wait cuts the connection. 2 000 by default. */
  readonly lingerMs?: number;
  /** What an earlier connection left there comes first. A queue of its own by default. */
  readonly queue?: MessageQueue;
}
