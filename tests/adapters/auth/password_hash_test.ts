import { describe, expect, it } from "vitest";
import { DECOY, decoyOf, hashPassword, isPassword, parseHash } from "../../../src/adapters/auth/password_hash.ts";

/** As cheap as it gets. */
const CHEAP = { ln: 10, r: 1, p: 1 };

describe("a kept password", () => {
  it("is salted, and says what it costs", async () => {
    const [one, other] = [await hashPassword("secret", CHEAP), await hashPassword("secret", CHEAP)];
    expect(one).toMatch(/^\$scrypt\$ln=10,r=1,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(one).not.toBe(other);
    expect(await hashPassword("secret")).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
  });

  it("is that password's, and no other's", async () => {
    const kept = parseHash(await hashPassword("päss:word ", CHEAP))!;
    expect(await isPassword("päss:word ", kept)).toBe(true);
    expect(await isPassword("pa\u0308ss:word ", kept)).toBe(true);
    for (const other of ["päss:word", "", "Päss:word ", "päss:word"]) expect(await isPassword(other, kept)).toBe(false);
  });

  it("agrees with RFC 7914 §12", async () => {
    const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
    const hash = Buffer.from(
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
      "hex",
    );
    const cost = { ln: 10, r: 8, p: 16 };
    expect(await isPassword("password", { cost, salt: Buffer.from("NaCl"), hash })).toBe(true);
    expect(parseHash(`$scrypt$ln=10,r=8,p=16$${b64(new Uint8Array(16))}$${b64(hash)}`)).toMatchObject({ cost });
  });

  it("has a decoy of the same cost, which is nobody's", async () => {
    const kept = parseHash(await hashPassword("secret", CHEAP))!;
    const decoy = decoyOf(kept);
    expect([decoy.cost, decoy.salt.length, decoy.hash.length]).toEqual([kept.cost, kept.salt.length, kept.hash.length]);
    expect(await isPassword("secret", decoy)).toBe(false);
    expect(DECOY.cost).toEqual({ ln: 15, r: 8, p: 3 });
  });

  it("is not made of nothing, nor at a cost out of range", async () => {
    await expect(hashPassword("")).rejects.toThrow(TypeError);
    await expect(hashPassword(undefined as never)).rejects.toThrow(TypeError);
    for (const cost of [{ ln: 9 }, { ln: 21 }, { r: 0 }, { p: 17 }, { ln: 10.5 }]) {
      await expect(hashPassword("secret", cost)).rejects.toThrow(RangeError);
    }
  });

  it.each([
    "",
    "secret",
    "$2b$10$abc",
    "$scrypt$ln=10,r=1,p=1$short$short",
    `$scrypt$ln=30,r=8,p=1$${"a".repeat(22)}$${"a".repeat(43)}`,
    `$scrypt$ln=10,r=1,p=1$${"a".repeat(22)}$${"a".repeat(43)}\n`,
  ])("%j is none", (text) => expect(parseHash(text)).toBeUndefined());
});
