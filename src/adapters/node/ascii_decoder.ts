/** ASCII to strings through `Buffer`: a quarter of the decoder's call on Deno, half of it on Bun (bench/micro/text.ts). */

import { Buffer } from "node:buffer";
import process from "node:process";
import type { DecodeAscii } from "../../bytes.ts";

// Every Node has it, and Deno and Bun after it; no type declares it.
const { latin1Slice } = Buffer.prototype as { latin1Slice?: (this: Uint8Array, start: number, end: number) => string };

// JavaScriptCore makes a string of 20 characters in a third of the time this way; V8 needs longer (bench/micro/text.ts).
const always = "bun" in process.versions;

export const decodeAscii: DecodeAscii | undefined = latin1Slice && Object.assign(
  (bytes: Uint8Array, start: number, end: number) => latin1Slice.call(bytes, start, end),
  { always },
);
