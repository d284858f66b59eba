import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { tlsFiles } from "../../../src/adapters/node/tls_files.ts";
import { SslError } from "../../../src/errors.ts";
import { checkClientSecure } from "../../../src/client/secure_socket.ts";
import { checkListenerSecure } from "../../../src/service/secure_socket.ts";
import type { ClientTls, ServerTls } from "../../../src/transport/tls.ts";
import { makeTlsFiles, PASSWORD } from "../../support/tls_files.ts";

const files = makeTlsFiles();
const { file, write, key, server: identity } = files;
const server = (secureSocket: object): ServerTls =>
  tlsFiles.loadServer(checkListenerSecure({ key: key("server"), ...secureSocket })!);
const client = (secureSocket: object): ClientTls => tlsFiles.loadClient(checkClientSecure(secureSocket, true)!);

function expectServer({ identity: { key, cert } }: ServerTls): void {
  expect(createPrivateKey(key).equals(createPrivateKey(identity.key))).toBe(true);
  expect(key).toContain("-----BEGIN PRIVATE KEY-----");
  expect(new X509Certificate(cert).raw).toEqual(new X509Certificate(identity.cert).raw);
}

describe("a key and its certificate", () => {
  it.each<[string, () => object]>([
    ["files", () => key("server")],
    [
      "URLs of files",
      () => ({ certFile: pathToFileURL(file("server.pem")), keyFile: pathToFileURL(file("server.key")) }),
    ],
    ["texts", () => ({ certFile: identity.cert, keyFile: identity.key })],
    ["a key that is encrypted", () => ({ ...key("server"), keyFile: file("server.enc.key"), keyPassword: PASSWORD })],
    ["a password that is not needed", () => ({ ...key("server"), keyPassword: PASSWORD })],
    ["a store", () => ({ path: file("server.p12"), password: PASSWORD })],
    ["one file with both", () => {
      const both = write("both.pem", `some words\n${identity.cert}\n${identity.key}`);
      return { certFile: both, keyFile: both };
    }],
    ["a certificate in DER", () => ({
      certFile: write("server.der", new X509Certificate(identity.cert).raw),
      keyFile: identity.key,
    })],
  ])("come from %s, in PEM and not encrypted", (_, key) => {
    expectServer(server({ key: key() }));
  });

  it("keep the certificates of the authorities between", () => {
    const chain = write("chain.pem", `${identity.cert}${files.ca}`);
    expect(server({ key: { ...key("server"), certFile: chain } }).identity.cert.match(/BEGIN/g)).toHaveLength(2);
    // In a store the root, which everybody has himself, is left out.
    expect(server({ key: { path: file("server.p12"), password: PASSWORD } }).identity.cert.match(/BEGIN/g))
      .toHaveLength(1);
  });
});

describe("the authorities", () => {
  it("come from a file, a text, or a store", () => {
    const count = (cert: unknown): number | undefined => client({ cert }).authorities?.length;
    expect([count(file("ca.pem")), count(files.ca), count(pathToFileURL(file("ca.pem")))]).toEqual([1, 1, 1]);
    expect(count({ path: file("trust.p12"), password: PASSWORD })).toBe(2);
    expect(count(`${files.ca}\n${readFileSync(file("other_ca.pem"), "utf8")}`)).toBe(2);
    expect(client({})).toMatchObject({ identity: undefined, authorities: undefined });
    expect(server({ mutualSsl: { cert: file("ca.pem") } })).toMatchObject({ verifyClient: "require" });
  });
});

/** What is wrong, where, and the reason as a pattern. Where it is a name, it is that of a file. */
const UNUSABLE:
  readonly (readonly [what: string, secureSocket: () => object, name: string | undefined, reason: RegExp])[] = [
    ["no file", () => ({ key: { ...key("server"), certFile: file("none.pem") } }), "none.pem", /certFile": ENOENT/],
    ["no key", () => ({ key: { ...key("server"), keyFile: file("none.key") } }), "none.key", /keyFile": ENOENT/],
    ["a folder", () => ({ key: { ...key("server"), keyFile: file(".") } }), "", /EISDIR/],
    [
      "no store",
      () => ({ key: { path: file("none.p12"), password: "hush" } }),
      "none.p12",
      /"secureSocket.key": ENOENT/,
    ],
    ["no authority", () => ({ mutualSsl: { cert: file("none.pem") } }), "none.pem", /mutualSsl.cert": ENOENT/],
    [
      "another key",
      () => ({ key: { ...key("server"), keyFile: file("renewed.key") } }),
      "renewed.key",
      /key values mismatch/,
    ],
    [
      "another certificate's text",
      () => ({ key: { certFile: identity.cert, keyFile: file("renewed.key") } }),
      "renewed.key",
      /the text of "secureSocket.key.certFile" is another key's/,
    ],
    [
      "a wrong password of a key",
      () => ({ key: { ...key("server"), keyFile: file("server.enc.key"), keyPassword: "hush" } }),
      "server.enc.key",
      /bad decrypt/,
    ],
    [
      "no password of a key",
      () => ({ key: { ...key("server"), keyFile: file("server.enc.key") } }),
      "server.enc.key",
      /it is encrypted, and there is no "secureSocket.key.keyPassword"/,
    ],
    [
      "a wrong password of a store",
      () => ({ key: { path: file("server.p12"), password: "hush" } }),
      "server.p12",
      /mac verify failure/,
    ],
    [
      "a wrong password of authorities",
      () => ({ mutualSsl: { cert: { path: file("trust.p12"), password: "hush" } } }),
      "trust.p12",
      /mac verify failure/,
    ],
    [
      "a store without a key",
      () => ({ key: { path: file("trust.p12"), password: PASSWORD } }),
      "trust.p12",
      /it has no private key with its certificate/,
    ],
    [
      "garbage for a certificate",
      () => ({ key: { ...key("server"), certFile: file("garbage") } }),
      "garbage",
      /certificate in .*: \S/,
    ],
    ["garbage for a key", () => ({ key: { ...key("server"), keyFile: file("garbage") } }), "garbage", /no start line/],
    ["garbage for a store", () => ({ key: { path: file("garbage"), password: "hush" } }), "garbage", /store in .*: \S/],
    ["garbage for an authority", () => ({ mutualSsl: { cert: file("garbage") } }), "garbage", /certificate in .*: \S/],
    [
      "a key for a certificate",
      () => ({ key: { ...key("server"), certFile: file("server.key") } }),
      "server.key",
      /: \S/,
    ],
    [
      "a broken certificate",
      () => ({
        key: { ...key("server"), certFile: write("broken.pem", identity.cert.replace(/MII[\s\S]{40}/, "hush")) },
      }),
      "broken.pem",
      /: \S/,
    ],
    [
      "a broken key in a text",
      () => ({
        key: { ...key("server"), keyFile: "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----" },
      }),
      undefined,
      /the text of "secureSocket.key.keyFile": \S/,
    ],
  ];

describe("what cannot be used (T3)", () => {
  it.each(UNUSABLE)("%s is an SslError that names the file and the reason", (_, secureSocket, name, reason) => {
    const error = errorOf(() => server(secureSocket()));
    expect(error).toBeInstanceOf(SslError);
    const { message, file: where } = error as SslError;
    expect(message).toMatch(/^Cannot use the /);
    expect(message).toMatch(reason);
    expect(where).toBe(name === undefined ? undefined : file(name));
    if (name !== undefined) expect(message).toContain(JSON.stringify(file(name)));
  });

  it.each(UNUSABLE)("%s: neither the error nor its cause repeats a password or a key", (_, secureSocket) => {
    const error = errorOf(() => server(secureSocket()));
    const told = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
    expect(told).not.toContain("hush");
    expect(told).not.toContain(PASSWORD);
    for (const line of identity.key.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"))) {
      expect(told).not.toContain(line);
    }
  });

  it.each<[string, (key: string) => string]>([
    ["without its first line", (key) => key.split("\n").slice(1).join("\n")],
    ["in one line", (key) => key.replaceAll("\n", "\\n").slice(3)],
    ["in Base64 once more", (key) => Buffer.from(key).toString("base64")],
    ["in DER and Base64", (key) => key.split("\n").slice(1, -2).join("")],
    ["in JSON", (key) => JSON.stringify(createPrivateKey(key).export({ format: "jwk" }))],
  ])("a key %s is taken for a file, and not repeated", (_, write) => {
    const keyFile = write(identity.key);
    const error = errorOf(() => server({ key: { ...key("server"), keyFile } }));
    expect(error).toEqual(
      new SslError('Cannot use the value of "secureSocket.key.keyFile": it is neither a file nor a text in PEM'),
    );
    const told = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
    for (let at = 0; at + 20 < keyFile.length; at += 20) expect(told).not.toContain(keyFile.slice(at, at + 20));
  });

  it("are the same for a client", () => {
    expect(() => client({ cert: file("none.pem") })).toThrow(/"secureSocket.cert": ENOENT/);
    expect(() => client({ key: { ...key("client"), keyFile: file("server.key") } })).toThrow("key values mismatch");
  });

  it("suites that there are not are a TypeError", () => {
    expect(() => client({ ciphers: ["ECDHE-MOON-AES128"] })).toThrow(
      new TypeError('Cannot use the option "secureSocket.ciphers": there is no suite "ECDHE-MOON-AES128" here'),
    );
    expect(client({ ciphers: ["ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"] }).ciphers)
      .toBe("ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256");
  });
});

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}
