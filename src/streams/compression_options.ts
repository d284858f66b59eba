/**
 * The option that says whether and how messages are compressed (RFC 7692), a client's and a listener's alike: checked
 * once. Knows no handshake.
 */

import { checkBoolean, checkCount, checkIsOptions, checkNames, type Given, wrongKind } from "../option_check.ts";
import type { CompressionSettings } from "../transport/upgrade.ts";

/** The option `webSocketCompressionEnabled`: how messages are compressed (RFC 7692). Sizes are bytes. */
export interface CompressionOptions {
  /** Bytes: a message shorter than this goes as it is. Default 1 024. */
  readonly threshold?: number;
  /** zlib's level, 0 to 9: higher takes more time for fewer bytes. Default 3. */
  readonly level?: number;
  /**
   * How much history the server's messages may refer to (RFC 7692 §7.1.2.1), as a power of two: 9 to 15, for 512 bytes to
   * 32 KiB, which each connection keeps on both sides. Default 12.
   */
  readonly serverMaxWindowBits?: number;
  /**
   * The same for the client's messages (RFC 7692 §7.1.2.2). A server can ask for less than 15 only when the client offers
   * to. Default 12.
   */
  readonly clientMaxWindowBits?: number;
  /**
   * Whether the server's messages refer to none before them (RFC 7692 §7.1.1.1): no history is kept, and more bytes travel.
   * Default false.
   */
  readonly serverNoContextTakeover?: boolean;
  /** The same for the client's messages (RFC 7692 §7.1.1.2). Default false. */
  readonly clientNoContextTakeover?: boolean;
  /**
   * Bytes of history that all connections of this process may keep together. Who comes when they are spoken for gets
   * compression without history. Default 268 435 456.
   */
  readonly maxTotalWindows?: number;
}

/** Options of a write: how one message is sent. */
export interface WriteOptions {
  /** Whether it may be compressed, where messages are (RFC 7692). False: it goes as it is. Default true. */
  readonly compress?: boolean;
}

/**
 * Whether the message may be compressed.
 *
 * @throws {TypeError} for an unknown name, or a value of the wrong kind
 */
export function checkWrite(options: WriteOptions | undefined): boolean {
  // What nearly every write says costs no look at names.
  if (options === undefined) return true;
  checkIsOptions(options);
  checkNames(options, WRITE_NAMES);
  const { compress = true } = options;
  if (typeof compress !== "boolean") throw wrongKind("compress", "a boolean");
  return compress;
}

const WRITE_NAMES: readonly (keyof WriteOptions)[] = ["compress"];

/**
 * Checks `webSocketCompressionEnabled`: true, the default, or options; undefined for false.
 *
 * @throws {TypeError} for an unknown name, or a value of the wrong kind
 * @throws {RangeError} for a number out of range
 */
export function checkCompression(given: Given): CompressionSettings | undefined {
  const value = given[OPTION] ?? true;
  if (value === false) return undefined;
  if (value !== true && (typeof value !== "object" || Array.isArray(value))) {
    throw wrongKind(OPTION, "a boolean or an object");
  }
  const options = value === true ? {} : value as Given;
  checkNames(options, NAMES, undefined, `${OPTION}.`);
  return {
    threshold: checkCount(options, "threshold", 1_024, 0, `${OPTION}.threshold`),
    level: upTo(9, options, "level", 3, 0),
    serverMaxWindowBits: upTo(15, options, "serverMaxWindowBits", 12, 9),
    clientMaxWindowBits: upTo(15, options, "clientMaxWindowBits", 12, 9),
    serverNoContextTakeover: flag(options, "serverNoContextTakeover"),
    clientNoContextTakeover: flag(options, "clientNoContextTakeover"),
    maxTotalWindows: checkCount(options, "maxTotalWindows", 268_435_456, 0, `${OPTION}.maxTotalWindows`),
  };
}

const OPTION = "webSocketCompressionEnabled";

const NAMES: readonly (keyof CompressionOptions)[] = [
  "threshold",
  "level",
  "serverMaxWindowBits",
  "clientMaxWindowBits",
  "serverNoContextTakeover",
  "clientNoContextTakeover",
  "maxTotalWindows",
];

function upTo(most: number, options: Given, name: keyof CompressionOptions, fallback: number, least: number): number {
  const path = `${OPTION}.${name}`;
  const value = checkCount(options, name, fallback, least, path);
  if (value > most) throw new RangeError(`Cannot use the option "${path}": ${value} is not from ${least} to ${most}`);
  return value;
}

function flag(options: Given, name: keyof CompressionOptions): boolean {
  return checkBoolean(options, name, false, `${OPTION}.${name}`);
}
