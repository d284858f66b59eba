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
});
