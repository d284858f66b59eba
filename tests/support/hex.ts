/** Bytes as people read them: two hexadecimal digits each, with spaces anywhere. */

const SPACED = Array.from({ length: 256 }, (_, byte) => ` ${byte.toString(16).padStart(2, "0")}`);

/** hex`81 05 ${payload}` as bytes. What stands in the holes is bytes already, or more hexadecimal text. */
export function hex(parts: TemplateStringsArray, ...holes: readonly (Uint8Array | string)[]): Uint8Array {
  let text = parts[0] ?? "";
  holes.forEach((hole, i) => text += ` ${typeof hole === "string" ? hole : toHex(hole)} ${parts[i + 1] ?? ""}`);
  return fromHex(text);
}

/** `text` as bytes. Throws when it is anything but pairs of hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new TypeError(`Cannot read bytes: ${JSON.stringify(text)} is not hex`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** `text` with its runs written out: `2a×3` is `2a 2a 2a`. */
export function spellOut(text: string): string {
  return text.replace(
    /([0-9a-f]{2})×(\d+)/g,
    (_, byte: string, count: string) => new Array(Number(count)).fill(byte).join(" "),
  );
}

/** `bytes` as text, such as `88 02 03 e8`. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += SPACED[byte];
  return text.slice(1);
}

/** Whether both hold the same, without the cost of showing where they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
