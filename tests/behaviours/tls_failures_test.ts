/** Row T3 of the acceptance table: what fails in TLS, and files that cannot be used. */

import { Buffer } from "node:buffer";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import process from "node:process";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  Client,
  type ClientSecureSocket,
  ConnectionError,
  Listener,
  type ListenerSecureSocket,
  SslError,
} from "../../mod.ts";
import { deviates, here } from "../support/host.ts";
import { failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";
import { makeTlsFiles, PASSWORD } from "../support/tls_files.ts";

const { connect, whenOver } = onSockets();
const files = makeTlsFiles();
const { file, key, pem, ca } = files;
const CA = { cert: file("ca.pem") };

/** A server over TLS that never says a word: its port. */
async function server(options: TlsOptions = {}): Promise<number> {
  const tls = createTlsServer({ cert: files.server.cert, key: files.server.key, ...options }, (socket) => {
    socket.on("error", () => {});
    whenOver(() => socket.destroy());
    socket.resume();
  });
  tls.on("tlsClientError", (_error, socket) => socket.destroy());
  return await portOf(tls);
}

async function portOf(server: ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  whenOver(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

/** The names of the runtimes' TLS for the same reason are not the same. */
async function refusalOf(port: number, secureSocket: ClientSecureSocket): Promise<SslError> {
  const error = await failure(connect(`wss://localhost:${port}/?token=hush`, { secureSocket }));
  expect(error).toBeInstanceOf(SslError);
  expect(error).toMatchObject({ name: "SslError", code: "ERR_TLS", file: undefined, cause: expect.any(Error) });
  return error as SslError;
}

describe("what fails on the client", () => {
  it.each<[string, TlsOptions, ClientSecureSocket, RegExp]>([
    ["an authority that is not trusted", {}, { cert: file("other_ca.pem") }, /unable to verify the first certificate/],
    ["no authority of the platform's", {}, {}, /unable to verify the first certificate/],
    ["another host's certificate", identity("elsewhere"), CA, /Host: localhost\. is not in the cert's altnames/],
    ["an older version only", { maxVersion: "TLSv1.2" }, { ...CA, protocol: { versions: ["TLSv1.3"] } }, /version/i],
    ["a newer version only", { minVersion: "TLSv1.3" }, { ...CA, protocol: { versions: ["TLSv1.2"] } }, /version/i],
    [
      "no certificate of the client's, TLS 1.2",
      { ca, requestCert: true, maxVersion: "TLSv1.2" },
      CA,
      /handshake ?failure|certificate ?required/i,
    ],
    ["no certificate of the client's, TLS 1.3", { ca, requestCert: true }, CA, /certificate ?required/i],
    [
      "one that the server does not trust, TLS 1.2",
      { ca, requestCert: true, maxVersion: "TLSv1.2" },
      { ...CA, key: key("stranger") },
      /disconnected before secure TLS connection|unknown ca/i,
    ],
  ])("T3: %s is an SslError with the reason and its cause", async (_, options, secureSocket, reason) => {
    const error = await refusalOf(await server(options), secureSocket);
    expect(error.message).toMatch(/^Cannot (open TLS to localhost:\d+|connect): /);
    expect(error.message).toMatch(reason);
    expect(inspect(error, { depth: Infinity })).not.toContain("hush");
  });

  it("T3: an expired certificate is an SslError", async () => {
    const { message } = await refusalOf(await server(identity("expired")), CA);
    const vague = deviates("deno-tls-reason", /unable to verify the first certificate/);
    expect(message).toMatch(here({ "deno engine": vague, "deno native": vague }, /certificate has expired/));
  });

  it("T3: a server that speaks no TLS is an SslError", async () => {
    const plain = await portOf(createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }));
    expect((await refusalOf(plain, CA)).message).toMatch(/wrong version number/);
  });

  it("T3: one that leaves in the middle is an SslError", async () => {
    const leaving = await portOf(createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end());
    }));
    expect((await refusalOf(leaving, CA)).message).toMatch(/disconnected before secure TLS connection/);
  });

  it("T3: garbage instead of an answer is an SslError", async () => {
    const garbage = await portOf(createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(Buffer.alloc(1_000, 0x41)));
    }));
    expect((await refusalOf(garbage, CA)).message).toMatch(/^Cannot open TLS to localhost:\d+: \S/);
  });

  it("T3: a server that ends the connection once TLS is open says nothing of TLS: a ConnectionError", async () => {
    const port = await portOf(createTlsServer({ cert: files.server.cert, key: files.server.key }, (socket) => {
      socket.on("error", () => {});
      socket.end();
    }));
    const error = await failure(connect(`wss://localhost:${port}/`, { secureSocket: { ...CA, key: key("client") } }));
    expect(error).toBeInstanceOf(ConnectionError);
    // As servers do that look at a client's certificate late.
    expect((error as Error).message).toContain('it may refuse the certificate of "secureSocket.key"');
  });
});

describe("files that cannot be used", () => {
  const rows: [what: string, key: ListenerSecureSocket["key"], name: string, reason: RegExp][] = [
    ["that is not there", { ...key("server"), certFile: file("none.pem") }, "none.pem", /ENOENT/],
    ["that is a folder", { ...key("server"), keyFile: file("") }, "", /EISDIR/],
    [
      "that holds another key",
      { ...key("server"), keyFile: file("renewed.key") },
      "renewed.key",
      /key values mismatch/,
    ],
    ["that is garbage", { ...key("server"), certFile: file("garbage") }, "garbage", /: \S/],
    [
      "that another password opens",
      { ...key("server"), keyFile: file("server.enc.key"), keyPassword: "hush" },
      "server.enc.key",
      /bad decrypt/,
    ],
    ["that needs a password", { ...key("server"), keyFile: file("server.enc.key") }, "server.enc.key", /is encrypted/],
    ["a store that another password opens", { path: file("server.p12"), password: "hush" }, "server.p12", /mac verify/],
    ["a store that is none", { path: file("garbage"), password: "hush" }, "garbage", /: \S/],
    ["a store without a key", { path: file("trust.p12"), password: PASSWORD }, "trust.p12", /no private key/],
  ];

  it.each(rows)("T3: a file %s is an SslError in both constructors, with its name", (_, key, name, reason) => {
    for (
      const create of [
        () => new Listener(0, { host: LOOPBACK, secureSocket: { key } }),
        () => new Client("wss://localhost:1/", { secureSocket: { key } }),
      ]
    ) {
      const error = errorOf(create) as SslError;
      expect(error).toBeInstanceOf(SslError);
      expect([error.code, error.file]).toEqual(["ERR_TLS", file(name)]);
      expect(error.message).toContain(JSON.stringify(file(name)));
      expect(error.message).toMatch(reason);
    }
  });

  it("T3: so is one of authorities", () => {
    for (
      const [cert, reason] of [[file("none.pem"), /"secureSocket.cert": ENOENT/], [file("garbage"), /: \S/]] as const
    ) {
      const error = errorOf(() => new Client("wss://localhost:1/", { secureSocket: { cert } }));
      expect(error).toMatchObject({ name: "SslError", file: cert, message: expect.stringMatching(reason) });
    }
  });

  it("T3: no password and no part of a key is in an error, its cause, or a report", async () => {
    const reports: string[] = [];
    const onWarning = (warning: Error): void => void reports.push(inspect(warning, { depth: Infinity }));
    process.on("warning", onWarning);
    whenOver(() => process.off("warning", onWarning));
    const text = files.server.key;
    const told = rows.map(([, key]) => errorOf(() => new Listener(0, { secureSocket: { key } })));
    for (const keyFile of [text.replace("-----BEGIN PRIVATE KEY-----\n", "$&hush"), `hush\n${text.slice(0, 120)}`]) {
      told.push(errorOf(() => new Listener(0, { secureSocket: { key: { ...key("server"), keyFile } } })));
    }
    told.push(errorOf(() => new Listener(0, { secureSocket: { key: { ...key("renewed"), keyFile: text } } })));
    const client = new Client("wss://localhost:1/", {
      secureSocket: { enable: false, key: { certFile: files.server.cert, keyFile: text } },
    });
    told.push(await failure(client.opened));
    await new Promise((resolve) => setImmediate(resolve));
    const all = [...told.map((error) => inspect(error, { depth: Infinity, showHidden: true })), ...reports].join("\n");
    const secrets = ["hush", PASSWORD, ...text.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"))];
    expect(reports.length).toBeGreaterThan(0);
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
  });
});

function identity(name: string): TlsOptions {
  return { cert: pem(`${name}.pem`), key: pem(`${name}.key`) };
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}
