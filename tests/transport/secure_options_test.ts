import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import {
  checkKey,
  checkSecure,
  checkSecureNames,
  checkTrust,
  refuseSecure,
  TLS13_CIPHERS,
  tlsTools,
} from "../../src/transport/secure_options.ts";

describe("what a listener and a client have in common", () => {
  it("has defaults", () => {
    expect(checkSecure({})).toEqual({
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      ciphers: undefined,
      shareSession: true,
      handshakeMs: 30_000,
    });
    expect(checkSecure({ handshakeTimeout: 0, shareSession: false })).toMatchObject({
      handshakeMs: Infinity,
      shareSession: false,
    });
  });

  it.each([
    [{ versions: ["TLSv1.2"] }, "TLSv1.2", "TLSv1.2"],
    [{ name: "TLS", versions: ["TLSv1.3"] }, "TLSv1.3", "TLSv1.3"],
    [{ versions: ["TLSv1.3", "TLSv1.2"] }, "TLSv1.2", "TLSv1.3"],
    [{}, "TLSv1.2", "TLSv1.3"],
  ])("speaks the versions of %j", (protocol, minVersion, maxVersion) => {
    expect(checkSecure({ protocol })).toMatchObject({ minVersion, maxVersion });
  });

  it("does not speak a version that no suite of the list belongs to", () => {
    const twelve = ["ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"];
    expect(checkSecure({ ciphers: twelve })).toMatchObject({
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA",
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.2",
    });
    for (const ciphers of TLS13_CIPHERS.map((name) => [name])) {
      expect(checkSecure({ ciphers })).toMatchObject({ minVersion: "TLSv1.3", maxVersion: "TLSv1.3" });
    }
    expect(checkSecure({ ciphers: [...twelve, TLS13_CIPHERS[0]] })).toMatchObject({
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
    });
    expect(checkSecure({ protocol: { versions: ["TLSv1.3"] }, ciphers: [...TLS13_CIPHERS, ...twelve] }).minVersion)
      .toBe("TLSv1.3");
    expect(() => checkSecure({ protocol: { versions: ["TLSv1.3"] }, ciphers: twelve })).toThrow(
      new TypeError('Cannot use the option "secureSocket.ciphers": it has no suite of TLSv1.3'),
    );
  });

  it.each<[string, Record<string, unknown>]>([
    ["protocol", { protocol: "TLS" }],
    ["protocol", { protocol: null }],
    ["protocol.name", { protocol: { name: "SSL" } }],
    ["protocol.name", { protocol: { name: "DTLS" } }],
    ["protocol.versions", { protocol: { versions: [] } }],
    ["protocol.versions", { protocol: { versions: "TLSv1.2" } }],
    ["protocol.versions", { protocol: { versions: ["TLSv1.2", "TLSv1.1"] } }],
    ["protocol.versions", { protocol: { versions: ["SSLv3"] } }],
    ["protocol.version", { protocol: { version: ["TLSv1.2"] } }],
    ["ciphers", { ciphers: "AES128-SHA" }],
    ["ciphers", { ciphers: [] }],
    ["ciphers", { ciphers: ["AES128-SHA", 7] }],
    // Rules in OpenSSL's own language.
    ["ciphers", { ciphers: ["!aNULL"] }],
    ["ciphers", { ciphers: ["AES128-SHA:@SECLEVEL=0"] }],
    ["shareSession", { shareSession: 1 }],
    ["handshakeTimeout", { handshakeTimeout: "1" }],
  ])("refuses a wrong %s: %j", (name, given) => {
    expect(() => checkSecure(given)).toThrow(TypeError);
    expect(() => checkSecure(given)).toThrow(`Cannot use the option "secureSocket.${name}": `);
  });

  it("refuses a time that is out of range", () => {
    expect(() => checkSecure({ handshakeTimeout: -1 })).toThrow(RangeError);
  });
});

it("refuses what holds no options, unknown names, and what is not done", () => {
  for (const value of [null, 7, "key.pem", []]) {
    expect(() => checkSecureNames(value, ["key"])).toThrow(
      new TypeError('Cannot use the option "secureSocket": it is not an object'),
    );
  }
  expect(() => checkSecureNames({ keys: 1 }, ["key"])).toThrow('"secureSocket.keys": there is none of that name, the');
  expect(() => checkSecureNames({ certValidation: {} }, ["key"])).toThrow(
    '"secureSocket.certValidation": certificates',
  );
  expect(checkSecureNames({ key: 1 }, ["key"])).toEqual({ key: 1 });
});

describe("where keys and certificates come from", () => {
  it("takes files, texts, URLs of files, and stores", () => {
    const url = new URL("file:///etc/cert.pem");
    expect(checkKey({ certFile: url, keyFile: "key.pem" }, "key")).toEqual({
      certFile: url,
      keyFile: "key.pem",
      keyPassword: undefined,
    });
    expect(checkKey({ path: "a.p12", password: "" }, "key")).toEqual({ path: "a.p12", password: "" });
    expect([checkTrust("ca.pem", "cert"), checkTrust(url, "cert")]).toEqual(["ca.pem", url]);
    expect(checkTrust({ path: url, password: "x" }, "cert")).toEqual({ path: url, password: "x" });
  });

  it.each<[string, unknown]>([
    ["key", undefined],
    ["key", "key.pem"],
    ["key", []],
    ["key.certFile", {}],
    ["key.certFile", { certFile: " ", keyFile: "b" }],
    ["key.keyFile", { certFile: "a" }],
    ["key.keyFile", { certFile: "a", keyFile: new URL("https://a.test/key.pem") }],
    ["key.keyPassword", { certFile: "a", keyFile: "b", keyPassword: 7 }],
    ["key.password", { path: "a.p12" }],
    ["key.path", { password: "hush" }],
    ["key.certFile", { path: "a.p12", password: "hush", certFile: "a" }],
  ])("refuses a wrong %s: %j", (name, value) => {
    expect(() => checkKey(value, "key")).toThrow(TypeError);
    expect(() => checkKey(value, "key")).toThrow(`"secureSocket.${name}"`);
    expect(() => checkKey(value, "key")).not.toThrow("hush");
  });

  it.each<[string, unknown]>([
    ["cert", undefined],
    ["cert", ""],
    ["cert", 7],
    ["cert.path", {}],
    ["cert.password", { path: "trust.p12" }],
  ])("refuses a wrong %s: %j", (name, value) => {
    const wrong = (): unknown => checkTrust(value, "cert");
    expect(wrong).toThrow(TypeError);
    expect(wrong).toThrow('"secureSocket.cert');
    if (name === "cert.password") expect(wrong).toThrow('"secureSocket.cert.password"');
  });
});

describe("what cannot be had in a place", () => {
  const refusals = [
    { option: "mutualSsl.verifyClient", applies: (value: unknown) => value === "optional", reason: "nobody tells" },
    { option: "ciphers", reason: "there is no choice" },
  ];

  it("is refused by its name, as far as it is asked for", () => {
    const error = (() => {
      try {
        refuseSecure({ ciphers: [] }, refusals, "here");
      } catch (error) {
        return error;
      }
    })();
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({
      message: 'Cannot use the option "secureSocket.ciphers": there is no choice',
      feature: "secureSocket.ciphers",
      runtime: "here",
    });
    expect(() => refuseSecure({ mutualSsl: { verifyClient: "optional" } }, refusals, "here")).toThrow("nobody tells");
    for (const given of [undefined, {}, { mutualSsl: {} }, { mutualSsl: { verifyClient: "require" } }]) {
      expect(() => refuseSecure(given, refusals, "here")).not.toThrow();
    }
  });

  it("is all of it where a runtime has no TLS to be told of", () => {
    expect(() => tlsTools({ name: "moon" })).toThrow(UnsupportedError);
    expect(() => tlsTools({ name: "moon" })).toThrow('Cannot use the option "secureSocket": moon has it not');
  });
});
