/** Values in DER (X.690), as certificates and key stores are made of. */

/** One value: tag, length, contents. */
export function tagged(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.of(tag, ...size, ...contents);
}

export function sequence(...parts: Uint8Array[]): Uint8Array {
  return tagged(0x30, ...parts);
}

export function set(...parts: Uint8Array[]): Uint8Array {
  return tagged(0x31, ...parts);
}

/** Of at most two bytes when it is a number. */
export function integer(value: Uint8Array | number): Uint8Array {
  return tagged(0x02, typeof value === "number" ? Uint8Array.of(value >> 8, value & 0xff) : value);
}

export function octets(value: Uint8Array): Uint8Array {
  return tagged(0x04, value);
}

export function utf8(text: string): Uint8Array {
  return tagged(0x0c, Buffer.from(text));
}

/** An object identifier by its text, such as `2.5.4.3`. */
export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const digits = [number & 0x7f];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift((left & 0x7f) | 0x80);
    }
    return digits;
  });
  return tagged(0x06, Uint8Array.from(bytes));
}

/** As text, with a line before and one behind. */
export function pem(kind: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${kind}-----\n${lines.join("\n")}\n-----END ${kind}-----\n`;
}
