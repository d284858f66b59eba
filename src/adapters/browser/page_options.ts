/** Which options a client has in a page, and why not the others. Checked once, and turned from seconds into milliseconds. */

import { checkCommon, CLOSE_MS, type CommonSettings } from "../../client/common_options.ts";
import type { ClientOptions } from "../../client/options.ts";
import { REQUEST_NAMES } from "../../client/request_options.ts";
import { UnsupportedError } from "../../errors.ts";
import { checkIsOptions, checkNames, checkSupported, type Given, wrongKind } from "../../option_check.ts";
import type { WriteOptions } from "../../streams/compression_options.ts";
import {
  checkMaxMessageSize,
  checkPacing,
  type ConnectionConfiguration,
  type PlainPacing,
} from "../../streams/connection_options.ts";

/** How the page calls itself. */
export const NAME = "browser";

/** A page's client options, checked. */
export interface PageSettings<Client> extends CommonSettings<Client> {
  readonly protocols: readonly string[];
  readonly maxMessageSize: number;
  readonly pacing: PlainPacing;
}

/**
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and what this version does not do
 * @throws {RangeError} for a number out of range
 * @throws {UnsupportedError} for what a page cannot have
 */
export function checkPage<Client>(config: ClientOptions<Client> = {}): PageSettings<Client> {
  checkIsOptions(config);
  checkSupported(config, REFUSED, NAME);
  checkNames(config, [...NAMES, ...REFUSED.keys()]);
  const given = config as Given;
  return {
    ...checkCommon<Client>(given),
    protocols: checkProtocols(config.subProtocols),
    maxMessageSize: checkMaxMessageSize(given),
    pacing: checkPacing(given, CLOSE_MS),
  };
}

/** @throws {UnsupportedError} when `options` say what to compress */
export function checkPageWrite(options: WriteOptions | undefined): boolean {
  if (options === undefined) return true;
  checkIsOptions(options);
  checkSupported(options, new Map([["compress", OWN_COMPRESSION]]), NAME);
  checkNames(options, ["compress"]);
  return true;
}

/** @throws {UnsupportedError} when a page may not close with `code` */
export function checkCode(code: number): void {
  if (isPageCode(code)) return;
  const reason = "a page may send 1000, and 3000 to 4999";
  throw new UnsupportedError(`Cannot close with code ${code}: ${reason}`, "close code", NAME);
}

/** Whether a page may close with `code`. */
export function isPageCode(code: number): boolean {
  return code === 1000 || code >= 3000;
}

const NO_PINGS = "a page sees no pings and cannot send them";
const NO_FRAMES = "a page sees no frames";
const OWN_COMPRESSION = "the browser decides by itself what it compresses";

const REFUSED: ReadonlyMap<string, string> = new Map([
  ["customHeaders", "a page cannot add headers to the handshake"],
  ["auth", "a page cannot add headers to the handshake"],
  ["proxy", "the browser decides by itself which proxy it connects through"],
  ["secureSocket", "the browser decides by itself whom it trusts"],
  ["origin", "the browser says by itself of which origin a page is"],
  ["cookies", "the browser sends its own cookies"],
  ["maxRedirects", "the browser decides by itself whether it follows redirects"],
  ["pingPongHandler", NO_PINGS],
  ["pingInterval", NO_PINGS],
  ["pongTimeout", NO_PINGS],
  ["maxPendingPongs", NO_PINGS],
  ["maxControlFramesPerSecond", NO_PINGS],
  ["maxFrameSize", NO_FRAMES],
  ["maxFragments", NO_FRAMES],
  ["messageTimeout", NO_FRAMES],
  ["messageStreams", NO_FRAMES],
  ["maxStreamedMessageSize", NO_FRAMES],
  ["maxInflatedBytesPerSecond", OWN_COMPRESSION],
  ["webSocketCompressionEnabled", OWN_COMPRESSION],
]);

const NAMES: readonly (keyof ClientOptions<unknown> | keyof ConnectionConfiguration)[] = [
  "subProtocols",
  "signal",
  "handshakeTimeout",
  "readTimeout",
  "writeTimeout",
  "idleTimeout",
  "onIdleTimeout",
  "maxMessageSize",
  "readAhead",
  "maxBufferedAmount",
  "bufferPolicy",
  "maxMessagesPerSecond",
  "closeLinger",
  "retryConfig",
  ...REQUEST_NAMES,
  "validation",
];

/** RFC 7230 §3.2.6; in a pattern, because the grammar of headers would come along for this alone. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

function checkProtocols(subProtocols: unknown = []): readonly string[] {
  const protocols: unknown = typeof subProtocols === "string" ? [subProtocols] : subProtocols;
  const isUsable = (protocol: unknown, i: number, all: readonly unknown[]): boolean =>
    typeof protocol === "string" && TOKEN.test(protocol) && all.indexOf(protocol) === i;
  if (Array.isArray(protocols) && protocols.every(isUsable)) return [...protocols];
  throw wrongKind("subProtocols", "a token or a list of tokens, each once");
}
