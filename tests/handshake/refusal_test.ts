import { describe, expect, it } from "vitest";
import {
  bodyTooLarge,
  FAILED,
  headersTooLarge,
  ILL_FORMED_TARGET,
  ONLY_WEBSOCKET,
  type Refusal,
  STOPPING,
  uriTooLong,
} from "../../src/handshake/refusal.ts";
import { refusalResponse } from "../../src/handshake/server_handshake.ts";

const REFUSALS: readonly (readonly [Refusal, number, string])[] = [
  [ONLY_WEBSOCKET, 426, "This port speaks the WebSocket protocol"],
  [ILL_FORMED_TARGET, 400, "The request target is ill-formed"],
  [FAILED, 500, "The server could not answer"],
  [STOPPING, 503, "The server is stopping"],
  [uriTooLong(4_096), 414, "A request target has at most 4096 characters"],
  [headersTooLarge(8_192), 431, "The headers have at most 8192 bytes"],
  [bodyTooLarge(10), 413, "A body has at most 10 bytes"],
];

describe("each refusal is one plain sentence", () => {
  for (const [refusal, status, sentence] of REFUSALS) {
    it(`${status} ${sentence}`, async () => {
      const response = refusalResponse(refusal);
      expect([response.status, await response.text()]).toEqual([status, sentence]);
    });
  }
});

it("426 names what it would upgrade to (RFC 7231 §6.5.15), and nothing else has a header of its own", () => {
  expect(refusalResponse(ONLY_WEBSOCKET).headers.get("upgrade")).toBe("websocket");
  expect(REFUSALS.filter(([{ headers }]) => headers.length > 0).map(([, status]) => status)).toEqual([426]);
});
