/**
 * A value as the message that carries it (features S4): text and bytes as they are, what JSON knows as JSON text, and a
 * refusal for everything that JSON would quietly turn into something else. Knows no socket, no schema, no frame.
 */

/**
 * What `toMessage` takes: a string goes as text; a `Uint8Array` or `ArrayBuffer` as binary; a finite number, a boolean,
 * `null`, a plain object or an array as JSON text.
 */
export type Payload = string | Uint8Array | ArrayBuffer | number | boolean | null | object;

/**
 * Turns `value` into a text or binary message. Bytes are not copied: they stay the caller's, and a socket reads them
 * before `send` returns. Inside objects and arrays the rules of `JSON.stringify` hold.
 * @throws {TypeError} for `undefined`, a function, symbol, bigint, a number that is not finite, a Map, Set, Date, Error,
 *   any other instance of a class, a view that is no `Uint8Array`, and an object JSON cannot write (a cycle)
 */
export function toMessage(value: unknown): string | Uint8Array {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (Number.isFinite(value)) return JSON.stringify(value);
      break;
    case "object":
      if (value instanceof Uint8Array) return value;
      if (value === null) return "null";
      if (value instanceof ArrayBuffer) return new Uint8Array(value);
      if (Array.isArray(value) || isPlain(value)) return toJson(value);
      break;
  }
  throw new TypeError(`Cannot send ${nameOf(value)} as a message: it is neither text, bytes, nor a JSON value`);
}

/**
 * `data` as a binary payload, not copied. `action` is the first half of the refusal.
 * @throws {TypeError} when it is neither a `Uint8Array` nor an `ArrayBuffer`
 */
export function toBytes(data: unknown, action: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(`${action}: the data is neither a Uint8Array nor an ArrayBuffer`);
}

function toJson(value: object): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`Cannot send ${nameOf(value)} as a message: JSON cannot write it`, { cause });
  }
  // A `toJSON` may say undefined.
  if (text === undefined) throw new TypeError(`Cannot send ${nameOf(value)} as a message: JSON writes nothing for it`);
  return text;
}

/** Made by a literal, `Object.create(null)` or a parser, in whichever realm. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf");
}

/** What a value is, for a sentence: `undefined`, `a bigint`, `NaN`, `a Map`. */
function nameOf(value: unknown): string {
  if (value === undefined || typeof value === "number") return `${value}`;
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  if (typeof name !== "string" || name === "") return "an object";
  return /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`;
}
