/**
 * The options that every connection has, a client's and a service's alike: their names, defaults and limits, checked once
 * and turned from seconds into milliseconds. Knows no option of one side alone.
 */

import { checkCount, checkNames, checkObject, checkSeconds, type Given, wrongKind } from "../option_check.ts";
import { DEFAULT_LIMITS, type SocketLimits } from "../transport/upgrade.ts";
import type { EndpointOptions } from "./endpoint.ts";
import type { ReadAhead } from "./message_queue.ts";
import type { BufferPolicy, PlainEndpointOptions } from "./plain_endpoint_options.ts";

/**
 * Options of every connection, a client's and a service's. Times are seconds, fractions allowed; sizes are bytes; a limit
 * is inclusive: what equals it passes.
 */
export interface ConnectionConfiguration {
  /**
   * Seconds in which neither a message nor a ping came until `onIdleTimeout` is called; without that: close 1001. Stands
   * still while we hold the peer back. 0: for ever. Default 0.
   */
  readonly idleTimeout?: number;
  /** Seconds from ping to ping (RFC 6455 §5.5.2). 0: none is sent. Default 30 for a service, 0 for a client. */
  readonly pingInterval?: number;
  /**
   * Seconds that the pong of such a ping, or any other sign of life, may take; then the connection is cut, and ends with
   * 1006. 0: for ever. Default 30.
   */
  readonly pongTimeout?: number;
  /** Bytes of one message that comes in, and of what it inflates to; more: close 1009. Default 16 777 216. */
  readonly maxMessageSize?: number;
  /**
   * Bytes of one message that is read as a stream, instead of `maxMessageSize`, unless it is compressed; more: close 1009.
   * Default: no limit.
   */
  readonly maxStreamedMessageSize?: number;
  /**
   * Bytes of one frame (RFC 6455 §5.2), at least 4. Larger ones that come in: close 1009; larger ones that go out are
   * split. Default: no limit.
   */
  readonly maxFrameSize?: number;
  /** What waits for a slow reader or handler before the peer is held back. Default: 1 024 messages, 1 048 576 bytes. */
  readonly readAhead?: Partial<ReadAhead>;
  /**
   * Bytes that may wait for a slow peer; then `bufferPolicy`. Pings and pongs of yours are refused with a `ConnectionError`
   * beyond it. Default 16 777 216.
   */
  readonly maxBufferedAmount?: number;
  /** What becomes of a message that would pass `maxBufferedAmount`. Default `"wait"`. */
  readonly bufferPolicy?: BufferPolicy;
  /**
   * Frames of one message (RFC 6455 §5.4); more: close 1009. Where messages may be read as streams, only of a compressed
   * one. Default 131 072.
   */
  readonly maxFragments?: number;
  /** Automatic pongs that wait for a slow peer; beyond it the oldest is dropped. Default 16. */
  readonly maxPendingPongs?: number;
  /** Pings and pongs that come in within a second; more: close 1008. Default 1 000. */
  readonly maxControlFramesPerSecond?: number;
  /** Messages that come in within a second; more: close 1008. 0: no limit. Default 0. */
  readonly maxMessagesPerSecond?: number;
  /** Bytes that the peer's compressed messages come to within a second; more: close 1008. Default 268 435 456. */
  readonly maxInflatedBytesPerSecond?: number;
  /**
   * Seconds until a message that has begun to come must have ended, or, where it is read as a stream, its next part have
   * come; then close 1008. 0: for ever. Default 60.
   */
  readonly messageTimeout?: number;
  /**
   * Seconds in which what still comes behind a close frame that ends the reading is read and dropped before the connection
   * is cut; 1 MiB of it at most. Default 2.
   */
  readonly closeLinger?: number;
}

/** The names of these options. */
export const CONNECTION_NAMES: readonly (keyof ConnectionConfiguration)[] = [
  "idleTimeout",
  "pingInterval",
  "pongTimeout",
  "maxMessageSize",
  "maxStreamedMessageSize",
  "maxFrameSize",
  "readAhead",
  "maxBufferedAmount",
  "bufferPolicy",
  "maxFragments",
  "maxPendingPongs",
  "maxControlFramesPerSecond",
  "maxMessagesPerSecond",
  "maxInflatedBytesPerSecond",
  "messageTimeout",
  "closeLinger",
];

/** These options, checked. Times are milliseconds, Infinity for ever. */
export interface ConnectionSettings {
  /** Messages come whole; else `streamedSize` is `maxStreamedMessageSize`. */
  readonly limits: SocketLimits;
  /** Infinity for any. */
  readonly maxStreamedMessageSize: number;
  readonly pacing: Omit<EndpointOptions, "clock" | "deadlines">;
}

/** Those of them that need neither pings nor frames. */
export type PlainPacing = Required<Omit<PlainEndpointOptions, "clock" | "deadlines" | "queue" | "buffers">>;

const POLICIES: readonly BufferPolicy[] = ["wait", "drop", "close"];

/**
 * Checks the values of these options; the names are the caller's to check.
 *
 * @param pingSeconds the default of `pingInterval`
 * @param closeMs milliseconds that `close` waits for the peer's close frame
 * @throws {TypeError} for a value of the wrong kind
 * @throws {RangeError} for a number out of range
 */
export function checkConnection(given: Given, pingSeconds: number, closeMs: number): ConnectionSettings {
  const pacing = checkPacing(given, closeMs);
  const count = (name: keyof SocketLimits & keyof ConnectionConfiguration): number =>
    checkCount(given, name, DEFAULT_LIMITS[name] as number, 1);
  return {
    limits: {
      maxMessageSize: checkMaxMessageSize(given),
      // The longest character of UTF-8 takes four bytes, and is not split.
      maxFrameSize: checkCount(given, "maxFrameSize", DEFAULT_LIMITS.maxFrameSize, 4),
      maxFragments: count("maxFragments"),
      maxPendingPongs: count("maxPendingPongs"),
      maxControlFramesPerSecond: count("maxControlFramesPerSecond"),
      maxInflatedBytesPerSecond: count("maxInflatedBytesPerSecond"),
      messageMs: checkSeconds(given, "messageTimeout", DEFAULT_LIMITS.messageMs / 1_000, true),
      lingerMs: pacing.lingerMs,
      lingerBytes: DEFAULT_LIMITS.lingerBytes,
    },
    maxStreamedMessageSize: checkCount(given, "maxStreamedMessageSize", Infinity, 1),
    pacing: {
      ...pacing,
      pingMs: checkSeconds(given, "pingInterval", pingSeconds, true),
      pongMs: checkSeconds(given, "pongTimeout", 30, true),
    },
  };
}

/**
 * The part of it that needs neither pings nor frames.
 *
 * @throws as `checkConnection` does
 */
export function checkPacing(given: Given, closeMs: number): PlainPacing {
  const bufferPolicy = POLICIES.find((policy) => policy === (given.bufferPolicy ?? "wait"));
  if (bufferPolicy === undefined) throw wrongKind("bufferPolicy", `one of ${POLICIES.join(", ")}`);
  const readAhead = checkObject(given, "readAhead");
  checkNames(readAhead, ["messages", "bytes"], undefined, "readAhead.");
  return {
    readAhead: {
      messages: checkCount(readAhead, "messages", 1_024, 1, "readAhead.messages"),
      bytes: checkCount(readAhead, "bytes", 1_048_576, 1, "readAhead.bytes"),
    },
    maxBufferedAmount: checkCount(given, "maxBufferedAmount", 16_777_216, 1),
    bufferPolicy,
    maxMessagesPerSecond: checkCount(given, "maxMessagesPerSecond", 0, 0) || Infinity,
    idleMs: checkSeconds(given, "idleTimeout", 0, true),
    closeMs,
    lingerMs: checkSeconds(given, "closeLinger", DEFAULT_LIMITS.lingerMs / 1_000, false),
  };
}

/** @throws as `checkConnection` does */
export function checkMaxMessageSize(given: Given): number {
  return checkCount(given, "maxMessageSize", DEFAULT_LIMITS.maxMessageSize, 1);
}
