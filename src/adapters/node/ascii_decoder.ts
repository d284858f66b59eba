/** ASCII to strings through `Buffer`: a quarter of the decoder's call on Deno, half of it on Bun (bench/micro/text.ts). */

import { Buffer } from "node:buffer";
import type { DecodeAscii } from "../../bytes.ts";

// Every Node has it, and Deno and Bun after it; no type declares it.
const { latin1Slice } = Buffer.prototype as { latin1Slice?: (this: Uint8Array, start: number, end: number) => string };

export const decodeAscii: DecodeAscii | undefined = latin1Slice &&
  ((bytes, start, end) => latin1Slice.call(bytes, start, end));
