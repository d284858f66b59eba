import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readPkcs12 } from "../../../src/adapters/node/pkcs12.ts";
import { makeAuthority } from "../../support/certificates.ts";
import * as der from "../../support/der.ts";
import { pkcs12Store } from "../../support/pkcs12_store.ts";

const { ca, issue } = makeAuthority();
const { cert, key } = issue({ subject: [["CN", "a.test"]], names: ["DNS:a.test"] });
const raw = (pem: string): Uint8Array => new Uint8Array(new X509Certificate(pem).raw);

// What OpenSSL itself writes is read in tests/interop/openssl_test.ts.
describe("PKCS#12 stores", () => {
  it("give their keys and certificates", () => {
    const { keys, certificates } = readPkcs12(pkcs12Store({ key, certificates: [cert, ca] }, "open it"), "open it");
    expect(certificates).toEqual([raw(cert), raw(ca)]);
    expect(keys.map((each) =>
      createPrivateKey({ key: Buffer.from(each), format: "der", type: "pkcs8" }).equals(
        createPrivateKey(key),
      )
    )).toEqual([true]);
  });

  it("may hold certificates alone", () => {
    expect(readPkcs12(pkcs12Store({ certificates: [ca] }, "x"), "x")).toEqual({ keys: [], certificates: [raw(ca)] });
  });

  it("are not opened by another password, and do not repeat it", () => {
    const store = pkcs12Store({ key, certificates: [cert] }, "open it");
    for (const password of ["open it ", "", "OPEN IT"]) {
      expect(() => readPkcs12(store, password)).toThrow("mac verify failure: the password is wrong");
    }
  });

  it("are refused when a byte of them is another one", () => {
    const store = pkcs12Store({ certificates: [cert] }, "x");
    for (let at = 0; at < store.length; at += 7) {
      const damaged = store.slice();
      damaged[at]! ^= 0x55;
      let contents: unknown;
      try {
        contents = readPkcs12(damaged, "x");
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        continue;
      }
      // A byte that means nothing, such as one of the version.
      expect(contents).toEqual({ keys: [], certificates: [raw(cert)] });
    }
  });

  it("are refused when they are none, are cut, or are protected by other means", () => {
    const store = pkcs12Store({ key, certificates: [cert] }, "x");
    for (const length of [0, 1, 10, 100, store.length - 1]) {
      expect(() => readPkcs12(store.subarray(0, length), "x"), `${length}`).toThrow(Error);
    }
    expect(() => readPkcs12(Buffer.from(cert), "x")).toThrow(Error);
    const signed = der.sequence(der.integer(3), der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tagged(0xa0)));
    expect(() => readPkcs12(signed, "x")).toThrow("it is signed, not protected by a password");
    const part = der.sequence(der.oid("1.2.840.113549.1.7.3"), der.tagged(0xa0, der.sequence()));
    const safe = der.tagged(0xa0, der.octets(der.sequence(part)));
    const enveloped = der.sequence(der.integer(3), der.sequence(der.oid("1.2.840.113549.1.7.1"), safe));
    expect(() => readPkcs12(enveloped, "x")).toThrow("by a public key");
  });

  it("are refused when bags are inside of bags without end", () => {
    const data = "1.2.840.113549.1.7.1";
    let bags = der.sequence();
    for (let depth = 0; depth < 40; depth++) {
      bags = der.sequence(der.sequence(der.oid("1.2.840.113549.1.12.10.1.6"), der.tagged(0xa0, bags)));
    }
    const part = der.sequence(der.oid(data), der.tagged(0xa0, der.octets(bags)));
    const safe = der.sequence(der.oid(data), der.tagged(0xa0, der.octets(der.sequence(part))));
    expect(() => readPkcs12(der.sequence(der.integer(Uint8Array.of(3)), safe), "x")).toThrow("bags without end");
  });

  it("are refused at once when their password is hashed without end, for the whole or for a part", () => {
    const [data, sha256] = ["1.2.840.113549.1.7.1", "2.16.840.1.101.3.4.2.1"].map(der.oid) as [Uint8Array, Uint8Array];
    const store = (safe: Uint8Array, ...mac: Uint8Array[]): Uint8Array =>
      der.sequence(der.integer(3), der.sequence(data, der.tagged(0xa0, der.octets(safe))), ...mac);
    const salt = der.octets(new Uint8Array(8));
    for (const many of [Uint8Array.of(0x4c, 0x4b, 0x41), new Uint8Array(8).fill(0x7f), new Uint8Array(900).fill(1)]) {
      const iterations = der.integer(many);
      const digest = der.sequence(der.sequence(sha256), der.octets(new Uint8Array(32)));
      const kdf = der.sequence(der.oid("1.2.840.113549.1.5.12"), der.sequence(salt, iterations));
      const aes = der.sequence(der.oid("2.16.840.1.101.3.4.1.42"), der.octets(new Uint8Array(16)));
      const schemes = [
        der.sequence(der.oid("1.2.840.113549.1.5.13"), der.sequence(kdf, aes)),
        der.sequence(der.oid("1.2.840.113549.1.12.1.3"), der.sequence(salt, iterations)),
      ];
      const parts = schemes.map((scheme) => {
        const content = der.sequence(data, scheme, der.tagged(0x80, new Uint8Array(16)));
        const encrypted = der.sequence(der.integer(0), content);
        return der.sequence(der.oid("1.2.840.113549.1.7.6"), der.tagged(0xa0, encrypted));
      });
      const stores = [
        store(der.sequence(), der.sequence(digest, salt, iterations)),
        ...parts.map((part) => store(der.sequence(part))),
      ];
      for (const each of stores) expect(() => readPkcs12(each, "x")).toThrow("more than 5000000 times");
    }
  });
});
