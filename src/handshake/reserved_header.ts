/**
 * Which headers the handshake writes itself, or that would change how its bytes are read (RFC 6455 §4, RFC 7230 §3.3).
 * Nobody else may add one, to the request or to the 101.
 */

const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "upgrade",
  "connection",
  "content-length",
  "transfer-encoding",
  "trailer",
  "te",
  "expect",
  "keep-alive",
  "proxy-connection",
]);

/** Whether `name`, in any case, belongs to the handshake: all of `Sec-WebSocket-…` does. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return lower.startsWith("sec-websocket-") || RESERVED.has(lower);
}
