import { describe, expect, it } from "vitest";
import { integer, objectIdentifier, octets, readDer, valuesIn } from "../../../src/adapters/node/der.ts";
import * as der from "../../support/der.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("DER", () => {
  it("reads lengths of one byte and of more", () => {
    for (const length of [0, 1, 127, 128, 255, 256, 4_096]) {
      const contents = new Uint8Array(length).fill(7);
      expect(octets(readDer(der.octets(contents)))).toEqual(contents);
    }
  });

  it("reads values inside of a value, and passes over what is behind it", () => {
    const value = readDer(Uint8Array.of(...der.sequence(der.integer(bytes(1)), der.utf8("ä")), 0xff));
    const [number, text] = valuesIn(value);
    expect([integer(number), text?.tag, text?.contents]).toEqual([1, 0x0c, bytes(0xc3, 0xa4)]);
  });

  it.each([
    "2.5.29.17",
    "1.2.840.113549.1.12.10.1.3",
    "0.9.2342.19200300.100.1.25",
    "2.16.840.1.101.3.4.1.42",
    "1.3.14",
  ])(
    "reads the object identifier %s",
    (id) => expect(objectIdentifier(readDer(der.oid(id)))).toBe(id),
  );

  it("reads indefinite lengths, and strings in parts", () => {
    const string = bytes(0x24, 0x80, ...der.octets(bytes(1, 2)), ...der.octets(bytes(3)), 0, 0);
    expect(octets(readDer(string))).toEqual(bytes(1, 2, 3));
    const nested = bytes(0x30, 0x80, ...string, ...der.integer(bytes(5)), 0, 0);
    const [first, second] = valuesIn(readDer(nested));
    expect([octets(first), integer(second)]).toEqual([bytes(1, 2, 3), 5]);
  });

  it("refuses what is cut at any byte", () => {
    const whole = der.sequence(der.integer(bytes(1)), der.octets(new Uint8Array(200)), der.oid("2.5.4.3"));
    for (let end = 0; end < whole.length; end++) {
      expect(() => readDer(whole.subarray(0, end)), `cut at ${end}`).toThrow(Error);
    }
  });

  it("refuses nesting without end, lengths without sense, and other kinds than are expected", () => {
    expect(() => readDer(new Uint8Array(100_000).fill(0).map((_, i) => i % 2 === 0 ? 0x30 : 0x80))).toThrow("DER");
    expect(() => readDer(bytes(0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255))).toThrow("cut short");
    expect(() => readDer(bytes(0x1f, 1, 0))).toThrow("DER");
    expect(() => readDer(bytes(0x04, 0x80, 0, 0))).toThrow("DER");
    const number = readDer(der.integer(bytes(1)));
    expect(() => valuesIn(number)).toThrow(Error);
    expect(() => valuesIn(undefined)).toThrow(Error);
    expect(() => objectIdentifier(number)).toThrow(Error);
    expect(() => integer(readDer(der.octets(bytes())))).toThrow(Error);
    expect(() => octets(undefined)).toThrow(Error);
    let parts = der.octets(bytes(1));
    for (let depth = 0; depth < 40; depth++) parts = der.tagged(0x24, parts);
    expect(() => octets(readDer(parts))).toThrow("it is not encoded as it has to be");
  });
});
