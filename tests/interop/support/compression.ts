/** Whether permessage-deflate is agreed on: the one place to change when it comes to the library. */

import { expect } from "vitest";
import type { Direction, Wiretap } from "./wiretap.ts";

/**
 * What our side does by default: "always" agrees with every peer that would, "either" leaves it open.
 * TODO: "always", as soon as `webSocketCompressionEnabled` is true by default.
 */
const OURS: "either" | "always" = "either";

/** The opening handshake agreed on it, as it had to if `peerDoes`. Returns whether it did. */
export function expectAgreement({ fromServer }: Wiretap, peerDoes: boolean): boolean {
  const agreed = fromServer.extensions.includes("permessage-deflate");
  if (OURS === "always" || !peerDoes) expect(agreed).toBe(peerDoes);
  return agreed;
}

/** The messages of text were sent compressed exactly if `used`. `size` is that of all of them together. */
export function expectUse(direction: Direction, used: boolean, size: number): void {
  const frames = direction.messageFrames(1);
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  expect(frames[0]?.compressed).toBe(used);
  if (used) expect(length).toBeLessThan(size / 10);
  else expect(length).toBe(size);
}
