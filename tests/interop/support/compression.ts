/** What travels of permessage-deflate, which our side offers and takes by default. */

import { expect } from "vitest";
import type { Direction, Wiretap } from "./wiretap.ts";

/** The opening handshake agreed on it, if the peer does so too. */
export function expectAgreement({ fromServer }: Wiretap, peerDoes: boolean): void {
  expect(fromServer.extensions.includes("permessage-deflate")).toBe(peerDoes);
}

/** The messages of text were sent compressed exactly if `used`. `size` is that of all of them together. */
export function expectUse(direction: Direction, used: boolean, size: number): void {
  const frames = direction.messageFrames(1);
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  expect(frames[0]?.compressed).toBe(used);
  if (used) expect(length).toBeLessThan(size / 10);
  else expect(length).toBe(size);
}
