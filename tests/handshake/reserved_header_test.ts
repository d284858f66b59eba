import { expect, it } from "vitest";
import { isReservedHeader } from "../../src/handshake/reserved_header.ts";

it.each([
  "Host",
  "UPGRADE",
  "connection",
  "Content-Length",
  "transfer-encoding",
  "Sec-WebSocket-Key",
  "sec-websocket-x",
])(
  "%s belongs to the handshake",
  (name) => expect(isReservedHeader(name)).toBe(true),
);

it.each(["Authorization", "Cookie", "Set-Cookie", "Origin", "User-Agent", "X-Host", "sec-websocket", "constructor"])(
  "%s does not",
  (name) => expect(isReservedHeader(name)).toBe(false),
);
