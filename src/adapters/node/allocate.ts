/** Memory through `Buffer`, which does not fill it with zeros first: of a mebibyte a sixth (bench/micro/copy.ts). */

import { Buffer } from "node:buffer";
import type { Allocate } from "../../bytes.ts";

/** Not from the pool that `allocUnsafe` shares: its neighbours are no business of whoever gets the array. */
export const allocate: Allocate = (size) => new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
