/** Row T2 of the acceptance table: TLS on the client. */

import { type AddressInfo, createServer as createTcpServer } from "node:net";
import process from "node:process";
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { Client, type ClientConfiguration, type ClientSecureSocket, SslError, UnsupportedError } from "../../mod.ts";
import { connectProxy } from "../support/connect_proxy.ts";
import { deviates, differs, here, refuses } from "../support/host.ts";
import { deferred, failure, onSockets, switching } from "../support/on_sockets.ts";
import { RawClient } from "../support/raw_client.ts";
import { FramePeer } from "../support/frame_peer.ts";
import { makeTlsFiles, PASSWORD } from "../support/tls_files.ts";

const { connect, whenOver } = onSockets();
const files = makeTlsFiles();
const { file, key, ca } = files;
const CA = { cert: file("ca.pem") };

/** What a server of a test has seen of a connection. */
interface Seen {
  readonly name: string | false;
  readonly version: string | null;
  readonly suite: string;
  readonly client: string | null;
  readonly resumed: boolean;
  readonly request: string;
}

/** A server over TLS that upgrades everybody, and says in its first message what it has seen: its port. */
async function server(options: TlsOptions = {}, answer = switching): Promise<number> {
  const tls = createTlsServer(
    { cert: files.server.cert, key: files.server.key, allowHalfOpen: true, ...options },
    async (socket: TLSSocket) => {
      sockets.push(socket);
      whenOver(() => socket.destroy());
      const raw = new RawClient(socket);
      const request = await raw.head().catch(() => undefined);
      if (request === undefined) return;
      await raw.write(answer(request));
      const { servername, authorized } = socket as TLSSocket & { servername?: string | false };
      const seen: Seen = {
        name: servername || false,
        version: socket.getProtocol(),
        suite: socket.getCipher().name,
        client: (authorized && socket.getPeerCertificate()?.subject?.CN as string) || null,
        resumed: socket.isSessionReused(),
        request,
      };
      const peer = new FramePeer(raw, "server");
      await peer.text(JSON.stringify(seen));
    },
  );
  tls.on("connection", () => accepted++);
  tls.on("tlsClientError", () => {});
  tls.listen(0, "127.0.0.1");
  whenOver(() => tls.close());
  await new Promise((resolve) => tls.once("listening", resolve));
  return (tls.address() as AddressInfo).port;
}

/** What the servers have open. */
const sockets: TLSSocket[] = [];
/** How many connections they have had. */
let accepted = 0;

const url = (port: number): string => `wss://localhost:${port}/`;

/** What the server has seen of a client with `secureSocket`. */
async function seenBy(port: number, secureSocket: ClientSecureSocket, more?: ClientConfiguration): Promise<Seen> {
  const client = await connect(url(port), { secureSocket, ...more });
  expect(client.isSecure()).toBe(true);
  return JSON.parse(await client.readTextMessage());
}

describe("whom it trusts, and who it is", () => {
  it.each<[string, () => ClientSecureSocket["cert"]]>([
    ["a file", () => file("ca.pem")],
    ["a text", () => ca],
    ["a URL of a file", () => new URL(`file://${file("ca.pem")}`)],
    ["a store", () => ({ path: file("trust.p12"), password: PASSWORD })],
  ])("T2: cert from %s, and no other authority", async (_, cert) => {
    const port = await server();
    expect(await seenBy(port, { cert: cert()! })).toMatchObject({ name: "localhost", client: null });
    for (const other of [{}, { cert: file("other_ca.pem") }]) {
      expect(await failure(connect(url(port), { secureSocket: other }))).toBeInstanceOf(SslError);
    }
  });

  it("T2: key from files and from a store: the server sees its certificate", async () => {
    const port = await server({ ca, requestCert: true });
    for (const own of [key("client"), { path: file("client.p12"), password: PASSWORD }]) {
      expect(await seenBy(port, { ...CA, key: own })).toMatchObject({ client: "ada" });
    }
  });

  it("T2: serverName is what is asked for, and what the certificate has to have", async () => {
    const port = await server({ cert: files.pem("elsewhere.pem"), key: files.pem("elsewhere.key") });
    expect(await seenBy(port, { ...CA, serverName: "other.test" })).toMatchObject({ name: "other.test" });
    expect(await failure(connect(url(port), { secureSocket: CA }))).toBeInstanceOf(SslError);
    expect(await failure(connect(url(port), { secureSocket: { ...CA, serverName: "third.test" } }))).toBeInstanceOf(
      SslError,
    );
  });

  it("T2: verifyHostName false takes another name, but no other authority", async () => {
    const port = await server({ cert: files.pem("elsewhere.pem"), key: files.pem("elsewhere.key") });
    expect(await seenBy(port, { ...CA, verifyHostName: false })).toMatchObject({ name: "localhost" });
    const foreign = { cert: file("other_ca.pem"), verifyHostName: false };
    expect(await failure(connect(url(port), { secureSocket: foreign }))).toBeInstanceOf(SslError);
  });

  it("T2: enable false takes whoever answers, and says so once for each client", async () => {
    const warnings: string[] = [];
    const onWarning = ({ message, code }: Error & { code?: string }): void => {
      if (code === "HAWSER_UNHANDLED" && message.includes("secureSocket.enable")) warnings.push(message);
    };
    process.on("warning", onWarning);
    whenOver(() => process.off("warning", onWarning));
    for (const name of ["expired", "elsewhere", "stranger"]) {
      const port = await server({ cert: files.pem(`${name}.pem`), key: files.pem(`${name}.key`) });
      const secret = `wss://localhost:${port}/?token=hush`;
      const client = await connect(secret, { secureSocket: { enable: false } });
      expect(client.isSecure()).toBe(true);
      await client.readTextMessage();
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toHaveLength(3);
    for (const warning of warnings) {
      expect(warning).toMatch(/Anybody may answer for localhost:\d+: "secureSocket.enable" is false/);
      expect(warning).not.toContain("hush");
    }
  });
});

describe("what is spoken", () => {
  it("T2: only the versions that were asked for", async () => {
    const port = await server();
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      expect(await seenBy(port, { ...CA, protocol: { versions: [version] } })).toMatchObject({ version });
    }
    expect(await seenBy(port, CA)).toMatchObject({ version: "TLSv1.3" });
    const old = await server({ maxVersion: "TLSv1.2" });
    expect(await seenBy(old, CA)).toMatchObject({ version: "TLSv1.2" });
    const secureSocket: ClientSecureSocket = { ...CA, protocol: { versions: ["TLSv1.3"] } };
    expect(await failure(connect(url(old), { secureSocket }))).toBeInstanceOf(SslError);
  });

  const noCiphers = (): void => {
    for (const ciphers of [["ECDHE-ECDSA-AES256-GCM-SHA384"], ["TLS_AES_128_GCM_SHA256"]]) {
      const create = (): Client => new Client(url(1), { secureSocket: { ciphers } });
      expect(create).toThrow(UnsupportedError);
      expect(create).toThrow('"secureSocket.ciphers"');
    }
  };

  it(
    "T2: only the suites of the list",
    differs({
      "deno engine": refuses("deno-no-ciphers", noCiphers),
      "deno native": refuses("deno-no-ciphers", noCiphers),
    }, async () => {
      const suite = "ECDHE-ECDSA-AES256-GCM-SHA384";
      expect(await seenBy(await server(), { ...CA, ciphers: [suite] })).toMatchObject({ version: "TLSv1.2", suite });
      const other = await server({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" });
      const secureSocket = { ...CA, ciphers: [suite] };
      expect(await failure(connect(url(other), { secureSocket }))).toBeInstanceOf(SslError);
    }),
  );

  const partly = (): void => {
    const create = (): Client => new Client(url(1), { secureSocket: { ciphers: ["TLS_CHACHA20_POLY1305_SHA256"] } });
    expect(create).toThrow(UnsupportedError);
    expect(create).toThrow('"secureSocket.ciphers"');
  };

  it(
    "T2: of TLS 1.3 one suite may be chosen",
    differs({
      "deno engine": refuses("deno-no-ciphers", partly),
      "deno native": refuses("deno-no-ciphers", partly),
      "bun engine": refuses("bun-own-ciphers", partly),
      "bun native": refuses("bun-own-ciphers", partly),
    }, async () => {
      const suite = "TLS_CHACHA20_POLY1305_SHA256";
      expect(await seenBy(await server(), { ...CA, ciphers: [suite] })).toMatchObject({ version: "TLSv1.3", suite });
    }),
  );

  it("T2: a suite that there is not, and a URL without TLS, are TypeErrors at once", () => {
    const none = here<new (...args: never[]) => Error>({
      "deno engine": deviates("deno-no-ciphers", UnsupportedError),
      "deno native": deviates("deno-no-ciphers", UnsupportedError),
    }, TypeError);
    expect(() => new Client(url(1), { secureSocket: { ciphers: ["ECDHE-MOON"] } })).toThrow(none);
    for (const plain of ["ws://localhost/", "http://localhost/", "ws+unix:/tmp/a.sock:/"]) {
      expect(() => new Client(plain, { secureSocket: CA })).toThrow(
        new TypeError('Cannot use the option "secureSocket": the URL does not ask for TLS, "wss:" does'),
      );
    }
    expect(() => new Client("https://localhost/", { secureSocket: CA }).terminate()).not.toThrow();
  });

  it("T2: a handshake that the server does not answer ends after handshakeTimeout", async () => {
    const silent = createTcpServer((socket) => whenOver(() => socket.destroy())).listen(0, "127.0.0.1");
    whenOver(() => silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    const error = await failure(connect(url(port), { secureSocket: { ...CA, handshakeTimeout: 0.05 } }));
    expect(error).toBeInstanceOf(SslError);
    expect((error as Error).message).toBe(
      `Cannot open TLS to localhost:${port}: the handshake was not done within 0.05 s`,
    );
  });
});

describe("together with other options", () => {
  it("T2: through a proxy it is between the client and the server, and the proxy sees none of it", async () => {
    const port = await server({ ca, requestCert: true });
    const proxy = await connectProxy(whenOver);
    const seen = await seenBy(port, { ...CA, key: key("client"), serverName: "localhost" }, { proxy: proxy.url });
    expect(seen).toMatchObject({ name: "localhost", client: "ada" });
    expect([proxy.tunnels, proxy.passed.includes("GET /")]).toEqual([1, false]);
    const error = await failure(connect(url(port), { proxy: proxy.url, secureSocket: { cert: file("other_ca.pem") } }));
    expect(error).toBeInstanceOf(SslError);
  });

  it("T2: a host with a dot behind its name is asked for without it", async () => {
    const port = await server();
    // Not every system finds such a host.
    const proxy = await connectProxy(whenOver);
    const client = await connect(`wss://localhost.:${port}/`, { proxy: proxy.url, secureSocket: CA });
    const seen: Seen = JSON.parse(await client.readTextMessage());
    expect([seen.name, /^Host: (.*):/im.exec(seen.request)?.[1]]).toEqual(["localhost", "localhost."]);
  });

  it("T2: behind a redirect to another origin neither its certificate nor the name goes along", async () => {
    const asks = { ca, requestCert: true, rejectUnauthorized: false };
    const there = await server(asks);
    const to = (target: string) => (): string => `HTTP/1.1 307 Go\r\nLocation: ${target}\r\nContent-Length: 0\r\n\r\n`;
    const elsewhere = { ...asks, cert: files.pem("elsewhere.pem"), key: files.pem("elsewhere.key") };
    const first = await server(elsewhere, to(url(there)));
    const secureSocket = { ...CA, key: key("client"), serverName: "other.test" };
    const seen = await seenBy(first, secureSocket, { maxRedirects: 1 });
    expect(seen).toMatchObject({ name: "localhost", client: null });
    // To the same origin it does.
    let asked = 0;
    const again = await server(elsewhere, (request) => asked++ === 0 ? to("/next")() : switching(request));
    expect(await seenBy(again, secureSocket, { maxRedirects: 1 })).toMatchObject({ name: "other.test", client: "ada" });
  });

  it("T2: a client that reconnects does so over TLS, with the session of before", async () => {
    const port = await server();
    const reconnected = deferred<unknown>();
    const client = await connect(url(port), {
      secureSocket: { ...CA, protocol: { versions: ["TLSv1.2"] } },
      retryConfig: {
        interval: 0.01,
        retryOn: () => true,
        onReconnect: () => reconnected.resolve(undefined),
      },
    });
    expect(JSON.parse(await client.readTextMessage())).toMatchObject({ resumed: false });
    for (const socket of sockets.splice(0)) socket.destroy();
    await reconnected.promise;
    const resumed = here({
      "deno engine": deviates("deno-sessions", false),
      "deno native": deviates("deno-sessions", false),
    }, true);
    expect(JSON.parse(await client.readTextMessage())).toMatchObject({ resumed });
    await client.close(1000, "", 0);
  });

  it("T2: shareSession false begins a session of its own each time", async () => {
    const port = await server();
    const reconnected = deferred<unknown>();
    const client = await connect(url(port), {
      secureSocket: { ...CA, shareSession: false, protocol: { versions: ["TLSv1.2"] } },
      retryConfig: { interval: 0.01, retryOn: () => true, onReconnect: () => reconnected.resolve(undefined) },
    });
    await client.readTextMessage();
    for (const socket of sockets.splice(0)) socket.destroy();
    await reconnected.promise;
    expect(JSON.parse(await client.readTextMessage())).toMatchObject({ resumed: false });
    await client.close(1000, "", 0);
  });

  it("T2: what was not verified is not tried again, a handshake that was lost is", async () => {
    let tries = 0;
    const port = await server({ cert: files.pem("stranger.pem"), key: files.pem("stranger.key") });
    const counting = createTcpServer((socket) => {
      tries++;
      socket.on("error", () => {});
      socket.once("data", () => socket.destroy());
    }).listen(0, "127.0.0.1");
    whenOver(() => counting.close());
    await new Promise((resolve) => counting.once("listening", resolve));
    const retryConfig = { maxCount: 2, interval: 0.001 };
    accepted = 0;
    const refused = new Client(url(port), { secureSocket: CA, retryConfig });
    expect(await failure(refused.opened)).toBeInstanceOf(SslError);
    expect((await refused.closed).error).toBeInstanceOf(SslError);
    expect(accepted).toBe(1);
    const { port: lossy } = counting.address() as AddressInfo;
    const lost = new Client(url(lossy), { secureSocket: CA, retryConfig });
    expect((await lost.closed).error).toBeInstanceOf(SslError);
    expect(tries).toBe(3);
  });
});
