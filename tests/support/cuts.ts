/** How a network may cut a stream of bytes. */

/** A longer one is not split at every point: it would take quadratic time. */
const SPLIT_EVERYWHERE_UP_TO = 3_000;
/** Of a long one the first header is what is worth splitting. */
const LONGEST_HEADER = 14;

/** `bytes` whole, byte by byte, and in two, each way with its name. */
export function* cuts(bytes: Uint8Array): Generator<[string, Uint8Array[]]> {
  const { length } = bytes;
  yield ["whole", [bytes]];
  yield ["byte by byte", split(bytes, 1)];
  const step = length > SPLIT_EVERYWHERE_UP_TO ? Math.ceil(length / 10) : 1;
  for (let at = 1; at < length; at += at <= LONGEST_HEADER ? 1 : step) {
    yield [`split at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]];
  }
}

/** `bytes` in pieces of `size`. */
export function split(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}
