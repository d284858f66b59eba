import { describe, expect, it } from "vitest";
import { acceptKey, createKey, isValidKey } from "../../src/handshake/accept_key.ts";

describe("acceptKey", () => {
  it("answers the key of RFC 6455 §1.3", async () => {
    expect(await acceptKey("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  it("hands the key with its GUID to the SHA-1 that was handed in, which may answer at once or later", async () => {
    const asked: string[] = [];
    const sha1 = (text: string) => (asked.push(text), "x");
    expect(await acceptKey("KEY", sha1)).toBe("x");
    expect(asked).toEqual(["KEY258EAFA5-E914-47DA-95CA-C5AB0DC85B11"]);
    expect(await acceptKey("KEY", () => Promise.resolve("y"))).toBe("y");
  });
});

describe("createKey", () => {
  it("is base64 of 16 bytes from the source", () => {
    expect(createKey((bytes) => bytes.set(new TextEncoder().encode("the sample nonce"))))
      .toBe("dGhlIHNhbXBsZSBub25jZQ==");
    expect(createKey((bytes) => bytes.fill(255))).toBe("/////////////////////w==");
    expect(createKey(() => {})).toBe("AAAAAAAAAAAAAAAAAAAAAA==");
  });

  it("makes valid keys of any bytes", () => {
    for (let seed = 0; seed < 256; seed++) {
      expect(isValidKey(createKey((bytes) => bytes.fill(seed)))).toBe(true);
    }
  });
});

describe("attack 5: isValidKey", () => {
  it.each(["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", "//////+++++AZaz0123459=="])(
    "takes or refuses %j by its last bits",
    (key) => expect(isValidKey(key)).toBe("AQgw".includes(key[21] ?? "")),
  );

  it.each([
    "",
    "dGhlIHNhbXBsZSBub25jZQ=",
    "dGhlIHNhbXBsZSBub25jZQ",
    "dGhlIHNhbXBsZSBub25jZQ===",
    "dGhlIHNhbXBsZSBub25jZR==", // stray bits
    "dGhlIHNhbXBsZSBub25jZTE=", // 17 bytes
    "dGhlIHNhbXBsZSBub25j", // 15 bytes
    "dGhlIHNhbXBsZSBub25jZQ== ",
    " dGhlIHNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZ_Bub25jZQ==",
    "dGhlIHNhbXBsZ-Bub25jZQ==",
    "dGhlIHNhbXBsZ Bub25jZQ==",
    "dGhlIHNhbXBs=SBub25jZQ==",
    "dGhlIHNhbXBsZSBub25jZQ=A",
    "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
  ])("refuses %j", (key) => expect(isValidKey(key)).toBe(false));
});
