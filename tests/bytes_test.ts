import { describe, expect, it } from "vitest";

import { byteSize, concat, decodeUtf8, encodeBase64, encodeUtf8, randomId } from "../src/bytes.ts";
import { hex, toHex } from "./support/hex.ts";

describe("bytes", () => {
  it("concat joins copies, in an array of their own", () => {
    const part = hex`01 02`;
    const whole = concat(part, hex``, part.subarray(1));
    part.fill(0);
    expect(toHex(whole)).toBe("01 02 02");
    expect(whole.buffer.byteLength).toBe(3);
    expect(concat()).toHaveLength(0);
  });

  it("randomId writes all 16 bytes it was given, zeros too", () => {
    expect(randomId((bytes) => bytes.forEach((_, i) => bytes[i] = i * 15))).toBe("000f1e2d3c4b5a69788796a5b4c3d2e1");
  });

  it("encodeUtf8 writes U+FFFD for a lone surrogate", () => {
    expect(toHex(encodeUtf8("é\ud800"))).toBe("c3 a9 ef bf bd");
  });

  it("decodeUtf8 keeps a byte order mark, and refuses what is not UTF-8", () => {
    expect(decodeUtf8(hex`ef bb bf 61`)).toBe("\ufeffa");
    for (const bad of [hex`ff`, hex`c3`, hex`ed a0 80`]) expect(() => decodeUtf8(bad)).toThrow(TypeError);
    expect(decodeUtf8(hex`c3 a9`)).toBe("é");
  });

  it("encodeBase64 agrees with RFC 4648 §10", () => {
    const examples = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((text) => encodeBase64(encodeUtf8(text)));
    expect(examples).toEqual(["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    expect(encodeBase64(hex`fb ff fe 00`)).toBe("+//+AA==");
  });
});

describe("byteSize", () => {
  it.each([
    "",
    "ascii",
    "\u007f\u0080",
    "é\u07ff\u0800",
    "€",
    "😀",
    "a😀b€",
    "\ud800",
    "\udc00",
    "\udc00\ud800",
    "\ud800\ud800\udc00x",
  ])(
    "counts %j as an encoder does",
    (text) => {
      expect(byteSize(text)).toBe(new TextEncoder().encode(text).length);
    },
  );

  it("takes the length of bytes", () => {
    expect(byteSize(new Uint8Array(10).subarray(3))).toBe(7);
  });
});
