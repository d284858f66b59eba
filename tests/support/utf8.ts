/** UTF-8 judged by the platform's decoder alone: what our own check is compared with. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** One of these completes whatever can be completed: the lowest and highest continuations of every first byte. */
const ENDS = ["", "80", "bf", "80 80", "bf bf", "80 80 80", "bf bf bf", "90 80 80", "a0 80", "8f bf bf", "9f bf"]
  .map((text) => Uint8Array.from(text === "" ? [] : text.split(" "), (pair) => parseInt(pair, 16)));

/** Whether `bytes` are the beginning of some UTF-8. */
export function canBeginUtf8(bytes: Uint8Array): boolean {
  return ENDS.some((end) => {
    const whole = new Uint8Array(bytes.length + end.length);
    whole.set(bytes);
    whole.set(end, bytes.length);
    return isUtf8(whole);
  });
}

/** What a runtime's own short cut for ASCII does. Throws when it is given anything else. */
export function decodeAscii(bytes: Uint8Array, start: number, end: number): string {
  const piece = bytes.subarray(start, end);
  if (piece.some((byte) => byte >= 0x80)) throw new Error("The short cut was given what is not ASCII");
  return String.fromCharCode(...piece);
}
