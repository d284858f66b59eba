/** Row T1 of the acceptance table: TLS on the listener. */

import { createServer as createHttpsServer } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import {
  type Caller,
  type ClientConfiguration,
  ConnectionError,
  Listener,
  type ListenerConfiguration,
  type ListenerSecureSocket,
  type PeerCertificate,
  type Service,
  SslError,
  UnsupportedError,
} from "../../mod.ts";
import { LOCAL, makeAuthority } from "../support/certificates.ts";
import { deviates, differs, here, refuses } from "../support/host.ts";
import { deferred, ECHO, expectUnsupported, failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";
import { RawClient, statusOf } from "../support/raw_client.ts";
import { makeTlsFiles, PASSWORD } from "../support/tls_files.ts";

const { listen: listenWith, connect, whenOver } = onSockets();
const files = makeTlsFiles();
const { file, key } = files;
const TRUSTED: ClientConfiguration = { secureSocket: { cert: file("ca.pem") } };

const listen = (
  secureSocket: Partial<ListenerSecureSocket> = {},
  service: Service = ECHO,
  config: ListenerConfiguration = {},
): Promise<Listener> => listenWith(service, {}, { secureSocket: { key: key("server"), ...secureSocket }, ...config });

/** By its name, which the certificate has. */
const byName = ({ url }: Listener): string => url.replace("127.0.0.1", "localhost");

/** Asserts that the host cannot be told of a field of `secureSocket`. */
function expectNot(field: string, secureSocket: Partial<ListenerSecureSocket>): void {
  const create = (): Listener =>
    new Listener(0, { host: LOOPBACK, secureSocket: { key: key("server"), ...secureSocket } });
  const error = (() => {
    try {
      return create();
    } catch (error) {
      return error;
    }
  })();
  expectUnsupported(error, `secureSocket.${field}`);
}

/** A TLS connection to `listener`, when its handshake is done; its errors are nobody's. */
function secure({ port }: Listener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca: files.ca, servername: "localhost", ...options });
    whenOver(() => socket.destroy());
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

const numberOf = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber;

describe("a key and its certificate", () => {
  it.each<[string, () => ListenerSecureSocket["key"]]>([
    ["files", () => key("server")],
    ["texts", () => ({ certFile: files.server.cert, keyFile: files.server.key })],
    ["an encrypted key", () => ({ ...key("server"), keyFile: file("server.enc.key"), keyPassword: PASSWORD })],
    ["a store", () => ({ path: file("server.p12"), password: PASSWORD })],
  ])("T1: from %s: both sides are secure, and messages of all sizes pass", async (_, key) => {
    const asked = deferred<string>();
    const service: Service = {
      ...ECHO,
      onOpen: (caller) => {
        asked.resolve(`${caller.isSecure()} ${caller.request.url} ${caller.remoteAddress} ${caller.peerCertificate}`);
      },
    };
    const listener = await listen({ key: key() }, service);
    expect(listener.url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/);
    const client = await connect(byName(listener), TRUSTED);
    expect(await asked.promise).toBe(`true https://localhost:${listener.port}/ 127.0.0.1 undefined`);
    expect(client.isSecure()).toBe(true);
    for (const size of [0, 1, 20_000, 1_048_576]) {
      const message = new Uint8Array(size).fill(size & 0xff);
      await client.writeBinaryMessage(message);
      const back = await client.readBinaryMessage();
      expect([back.length, back.every((byte) => byte === (size & 0xff))]).toEqual([size, true]);
    }
    expect(await client.close()).toMatchObject({ code: 1000 });
  });

  it("T1: the URL is known before the start, and the listener can be started again", async () => {
    const listener = await listen();
    const { port } = listener;
    await listener.gracefulStop();
    await listener.start();
    expect(await (await connect(byName(listener), TRUSTED)).close()).toMatchObject({ code: 1000 });
    const other = new Listener(port, { host: LOOPBACK, secureSocket: { key: key("server") } });
    expect(other.url).toBe(`wss://127.0.0.1:${port}`);
  });

  it("T1: ordinary requests are answered over TLS, and one without TLS gets no answer of ours", async () => {
    const listener = await listen({}, ECHO, { fetch: (request) => new Response(`at ${request.url}`) });
    const raw = await RawClient.connect(listener.port, files.ca);
    whenOver(() => raw.socket.destroy());
    await raw.write("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await raw.answer()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*at https:\/\/localhost\/page$/);

    const error = await failure(connect(byName(listener).replace("wss:", "ws:")));
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).name).toMatch(/^(ConnectionError|InvalidHandshakeError)$/);
    expect(await (await connect(byName(listener), TRUSTED)).close()).toMatchObject({ code: 1000 });
  });

  it("T1: beside a server of one's own it is a TypeError", () => {
    const create = (): Listener => new Listener(createHttpsServer(), { secureSocket: { key: key("server") } });
    expect(create).toThrow(
      new TypeError(
        'Cannot use the option "secureSocket": it belongs to the server that was handed over',
      ),
    );
  });
});

describe("certificates of clients", () => {
  const MUTUAL: Partial<ListenerSecureSocket> = { mutualSsl: { cert: file("ca.pem") } };
  const as = (name: string): ClientConfiguration => ({ secureSocket: { cert: file("ca.pem"), key: key(name) } });

  /** A service that tells what it knows of the client, also when all is over. */
  const telling = (ends: (certificate: PeerCertificate | undefined) => void = () => {}): Service => ({
    onOpen: ({ peerCertificate: told }: Caller) => JSON.stringify(told ?? "none"),
    onClose: ({ peerCertificate }) => ends(peerCertificate),
    onError() {},
  });

  it(
    "T1: required, it is on the caller and in the upgrade's context, and stays there",
    differs({
      "deno native": refuses("deno-own-tls", () => expectNot("mutualSsl", MUTUAL)),
      "bun native": deviates("bun-own-tls", async () => {
        const listener = await listen(MUTUAL, telling());
        expect(await (await connect(byName(listener), as("client"))).readTextMessage()).toBe('"none"');
      }),
    }, async () => {
      const ended = deferred<PeerCertificate | undefined>();
      const listener = await listen(MUTUAL);
      const contexts: (PeerCertificate | undefined)[] = [];
      listener.attach("/who", {
        get: (_request, { peerCertificate }) => {
          contexts.push(peerCertificate);
          return telling(ended.resolve);
        },
      });
      const client = await connect(`${byName(listener)}/who`, as("client"));
      const told = JSON.parse(await client.readTextMessage());
      expect(told).toMatchObject({
        subject: { O: "Acme", CN: "ada" },
        issuer: { CN: "hawser test authority" },
        subjectAltNames: ["DNS:ada.test", "email:ada@acme.test"],
        fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
      });
      expect(new Date(told.validFrom) < new Date() && new Date(told.validTo) > new Date()).toBe(true);
      await client.close();
      const last = await ended.promise;
      expect([contexts[0], last]).toMatchObject([{ subject: told.subject }, { fingerprint256: told.fingerprint256 }]);
    }),
  );

  it(
    "T1: required, a client without one, or with one of another authority, is not let in, by TLS 1.2 nor 1.3",
    differs({
      "deno native": refuses("deno-own-tls", () => expectNot("mutualSsl", MUTUAL)),
    }, async () => {
      const listener = await listen(MUTUAL);
      for (const config of [TRUSTED, as("stranger"), as("expired")]) {
        for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
          const secureSocket = { ...config.secureSocket, protocol: { versions: [version] } };
          const error = await failure(connect(byName(listener), { secureSocket }));
          expect((error as Error).name, version).toMatch(/^(SslError|ConnectionError)$/);
        }
      }
      expect(listener.stats().opened).toBe(0);
      expect(await (await connect(byName(listener), as("client"))).close()).toMatchObject({ code: 1000 });
    }),
  );

  it(
    "T1: optional, a client without one is let in, one with a bad one is not",
    differs({
      "deno native": refuses("deno-own-tls", () => expectNot("mutualSsl", MUTUAL)),
      "bun native": refuses("bun-own-tls", () => {
        expectNot("mutualSsl.verifyClient", { mutualSsl: { cert: file("ca.pem"), verifyClient: "optional" } });
      }),
    }, async () => {
      const cert = { path: file("trust.p12"), password: PASSWORD };
      const listener = await listen({ mutualSsl: { cert, verifyClient: "optional" } }, telling());
      expect(await (await connect(byName(listener), TRUSTED)).readTextMessage()).toBe('"none"');
      // The store trusts both authorities.
      for (const [name, whose] of [["client", "ada"], ["stranger", "eve"]] as const) {
        const told = JSON.parse(await (await connect(byName(listener), as(name))).readTextMessage());
        expect(told.subject.CN).toBe(whose);
      }
      const strict = await listen({ mutualSsl: { cert: file("ca.pem"), verifyClient: "optional" } });
      for (const name of ["stranger", "expired"]) {
        expect(await failure(connect(byName(strict), as(name)))).toBeInstanceOf(ConnectionError);
      }
      expect(strict.stats().opened).toBe(0);
    }),
  );

  it("T1: with an https server of one's own it is told when that server has verified it", async () => {
    const server = createHttpsServer({
      cert: files.server.cert,
      key: files.server.key,
      ca: files.ca,
      requestCert: true,
      rejectUnauthorized: false,
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    whenOver(() => server.close());
    const listener = new Listener(server);
    whenOver(() => listener.immediateStop());
    listener.attach("/", { get: () => telling() });
    await listener.start();
    const names = await Promise.all([as("client"), as("stranger"), TRUSTED].map(async (config) => {
      const client = await connect(`wss://localhost:${listener.port}/`, config);
      return JSON.parse(await client.readTextMessage()).subject?.CN;
    }));
    const silent = deviates("bun-https-certificates", [undefined, undefined, undefined] as (string | undefined)[]);
    expect(names).toEqual(here({ "bun engine": silent, "bun native": silent }, ["ada", undefined, undefined]));
  });
});

describe("versions, suites and times", () => {
  it(
    "T1: only the versions that were asked for are spoken",
    differs({
      "deno native": refuses("deno-own-tls", () => expectNot("protocol", { protocol: { versions: ["TLSv1.3"] } })),
    }, async () => {
      for (const [spoken, other] of [["TLSv1.3", "TLSv1.2"], ["TLSv1.2", "TLSv1.3"]] as const) {
        const listener = await listen({ protocol: { name: "TLS", versions: [spoken] } });
        expect((await secure(listener)).getProtocol()).toBe(spoken);
        expect(await failure(secure(listener, { minVersion: other, maxVersion: other }))).toBeInstanceOf(Error);
      }
      const both = await listen({ protocol: { versions: ["TLSv1.2", "TLSv1.3"] } });
      expect((await secure(both)).getProtocol()).toBe("TLSv1.3");
      expect((await secure(both, { maxVersion: "TLSv1.2" })).getProtocol()).toBe("TLSv1.2");
    }),
  );

  const SUITE = "ECDHE-ECDSA-AES256-GCM-SHA384";
  const noCiphers = (): void => expectNot("ciphers", { ciphers: [SUITE] });

  it(
    "T1: only the suites of the list are used, and no version that has none in it",
    differs({
      "deno engine": refuses("deno-no-ciphers", noCiphers),
      "deno native": refuses("deno-own-tls", noCiphers),
    }, async () => {
      const listener = await listen({ ciphers: [SUITE] });
      const socket = await secure(listener);
      expect([socket.getProtocol(), socket.getCipher().name]).toEqual(["TLSv1.2", SUITE]);
      expect(await failure(secure(listener, { minVersion: "TLSv1.3" }))).toBeInstanceOf(Error);
      expect(await failure(secure(listener, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }))).toBeInstanceOf(Error);
    }),
  );

  it("T1: of TLS 1.3 one suite may be chosen", () => {
    const ciphers = ["TLS_CHACHA20_POLY1305_SHA256"];
    const none = (): Promise<void> => Promise.resolve(expectNot("ciphers", { ciphers }));
    return here({
      "deno engine": refuses("deno-no-ciphers", none),
      "deno native": refuses("deno-own-tls", none),
      "bun engine": refuses("bun-own-ciphers", none),
      "bun native": refuses("bun-own-ciphers", none),
    }, async () => {
      const listener = await listen({ ciphers });
      const socket = await secure(listener);
      expect([socket.getProtocol(), socket.getCipher().name]).toEqual(["TLSv1.3", ciphers[0]]);
      expect(await failure(secure(listener, { maxVersion: "TLSv1.2" }))).toBeInstanceOf(Error);
    })();
  });

  it("T1: a handshake that does not come to its end is cut", () => {
    const refused = (): Promise<void> => Promise.resolve(expectNot("handshakeTimeout", { handshakeTimeout: 1 }));
    return here({
      "deno native": refuses("deno-own-tls", refused),
      "bun native": refuses("bun-own-tls", refused),
    }, async () => {
      const listener = await listen({ handshakeTimeout: 0.1 });
      const socket = connectTcp(listener.port, "127.0.0.1");
      socket.on("error", () => {});
      // As much as the head of a first message.
      socket.write(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01));
      await new Promise((resolve) => socket.once("close", resolve).resume());
      expect(await (await connect(byName(listener), TRUSTED)).close()).toMatchObject({ code: 1000 });
    })();
  });

  it(
    "T1: sessions are resumed, and without shareSession they are not",
    differs({
      "deno engine": refuses("deno-sessions", () => expectNot("shareSession", { shareSession: false })),
      "deno native": refuses("deno-own-tls", () => expectNot("shareSession", { shareSession: false })),
    }, async () => {
      for (const shareSession of [true, false]) {
        const listener = await listen({ shareSession });
        const session = (await secure(listener, { maxVersion: "TLSv1.2" })).getSession()!;
        const again = await secure(listener, { maxVersion: "TLSv1.2", session });
        expect(again.isSessionReused()).toBe(shareSession);
      }
    }),
  );

  it("T1: sessions may have a time", () => {
    const refused = (): Promise<void> => Promise.resolve(expectNot("sessionTimeout", { sessionTimeout: 1 }));
    return here({
      "deno native": refuses("deno-own-tls", refused),
      "bun native": refuses("bun-own-tls", refused),
    }, async () => {
      const listener = await listen({ sessionTimeout: 60.5 });
      expect(await (await connect(byName(listener), TRUSTED)).close()).toMatchObject({ code: 1000 });
    })();
  });

  const slow = async (listener: Listener, before = 0): Promise<RawClient> => {
    const raw = await RawClient.connect(listener.port, files.ca);
    whenOver(() => raw.socket.destroy());
    for (let i = 0; i < before; i++) {
      await raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      expect(statusOf(await raw.answer())).toBe(200);
    }
    await raw.write("GET / HTTP/1.1\r\nHost: a\r\n");
    return raw;
  };
  const waitsForTheRest = async (): Promise<void> => {
    const listener = await listen({}, ECHO, { timeout: 0.1, fetch: () => new Response("page") });
    listener.attach("/undecided", { get: () => new Promise<Service>(() => {}) });
    const raw = await slow(listener);
    // As long as `timeout`, which holds for this one.
    const error = await failure(connect(`${byName(listener)}/undecided`, TRUSTED));
    expect(error).toMatchObject({ status: 503 });
    await raw.write("\r\n");
    expect(statusOf(await raw.head())).toBe(200);
  };

  it(
    "T1: a request that is slower than timeout is cut, the first of a connection and a later one; what is open is not",
    differs({
      "deno native": deviates("deno-no-request-deadline", waitsForTheRest),
      "bun native": deviates("bun-own-request-deadline", waitsForTheRest),
    }, async () => {
      const listener = await listen({}, ECHO, { timeout: 0.1, fetch: () => new Response("page") });
      const client = await connect(byName(listener), TRUSTED);
      for (const before of [0, 1]) {
        expect(statusOf(await (await slow(listener, before)).rest()), `${before}`).toBe(408);
      }
      await client.writeTextMessage("still here");
      expect(await client.readTextMessage()).toBe("still here");
    }),
  );

  it("T1: an answer may take longer than timeout, which is for the request alone, whether its body is read or not", async () => {
    const later = deferred<void>();
    const page = (): Promise<Response> => later.promise.then(() => new Response("page"));
    const listener = await listen({}, ECHO, { timeout: 0.1, fetch: page });
    listener.attach("/undecided", { get: () => new Promise<Service>(() => {}) });
    const requests = [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
    ];
    const raws = await Promise.all(requests.map(async (request) => {
      const raw = await RawClient.connect(listener.port, files.ca);
      whenOver(() => raw.socket.destroy());
      await raw.write(request);
      return raw;
    }));
    // As long as `timeout`, and it began later.
    expect(await failure(connect(`${byName(listener)}/undecided`, TRUSTED))).toMatchObject({ status: 503 });
    later.resolve();
    for (const raw of raws) expect(statusOf(await raw.head())).toBe(200);
  });

  it("T1: a connection that waits for its next request is told nothing of timeout", async () => {
    const listener = await listen({}, ECHO, { timeout: 0.1, fetch: () => new Response("page") });
    listener.attach("/undecided", { get: () => new Promise<Service>(() => {}) });
    const raw = await RawClient.connect(listener.port, files.ca);
    whenOver(() => raw.socket.destroy());
    await raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(statusOf(await raw.answer())).toBe(200);
    expect(await failure(connect(`${byName(listener)}/undecided`, TRUSTED))).toMatchObject({ status: 503 });
    raw.socket.destroy();
    expect(await raw.rest()).toBe("");
  });
});

describe("renewing", () => {
  const kept = async (): Promise<void> => {
    const listener = await listen();
    const error = await failure(() => listener.setSecureContext({ key: key("renewed") }));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ feature: "setSecureContext", message: expect.stringContaining("keeps the one") });
  };
  const refused = {
    "deno native": refuses("deno-own-tls", kept),
    "bun native": refuses("bun-own-tls", kept),
  } as const;

  it(
    "T1: new connections get the new certificate, open ones live on",
    differs(refused, async () => {
      const listener = await listen();
      const early = await connect(byName(listener), TRUSTED);
      const old = numberOf(await secure(listener));
      listener.setSecureContext({ key: key("renewed") });
      const renewed = numberOf(await secure(listener));
      expect(renewed).not.toBe(old);
      const late = await connect(byName(listener), TRUSTED);
      for (const client of [early, late]) {
        await client.writeTextMessage("still here");
        expect(await client.readTextMessage()).toBe("still here");
      }
      // As it is after another start, too.
      await listener.gracefulStop();
      await listener.start();
      expect(numberOf(await secure(listener))).toBe(renewed);
    }),
  );

  it(
    "T1: the same files are read again",
    differs(refused, async () => {
      const certFile = files.write("rotated.pem", files.server.cert);
      const keyFile = files.write("rotated.key", files.server.key);
      const listener = await listen({ key: { certFile, keyFile } });
      const old = numberOf(await secure(listener));
      const { ca, issue } = makeAuthority();
      const next = issue({ subject: [["CN", "localhost"]], names: LOCAL });
      files.write("rotated.pem", next.cert);
      files.write("rotated.key", next.key);
      expect(numberOf(await secure(listener))).toBe(old);
      listener.setSecureContext({ key: { certFile, keyFile } });
      expect(numberOf(await secure(listener, { ca }))).not.toBe(old);
    }),
  );

  it(
    "T1: with one that cannot be used the old one stays",
    differs(refused, async () => {
      const listener = await listen();
      const old = numberOf(await secure(listener));
      const bad: ListenerSecureSocket[] = [
        { key: { ...key("server"), keyFile: file("renewed.key") } },
        { key: { ...key("server"), certFile: file("none.pem") } },
        { key: { path: file("server.p12"), password: "wrong" } },
      ];
      for (const secureSocket of bad) {
        expect(await failure(() => listener.setSecureContext(secureSocket))).toBeInstanceOf(SslError);
      }
      const wrong: unknown[] = [undefined, {}, { key: key("renewed"), mutualSsl: { cert: file("ca.pem") } }, {
        key: key("renewed"),
        handshakeTimeout: 1,
      }, { key: key("renewed"), protocol: { versions: ["TLSv1.1"] } }];
      for (const secureSocket of wrong) {
        const error = await failure(() => listener.setSecureContext(secureSocket as ListenerSecureSocket));
        expect(error).toBeInstanceOf(TypeError);
      }
      expect(numberOf(await secure(listener))).toBe(old);
    }),
  );

  it(
    "T1: other clients are trusted from then on",
    differs({
      ...refused,
      "deno engine": refuses("deno-sessions", async () => {
        const listener = await listen({ mutualSsl: { cert: file("ca.pem") } });
        const error = await failure(() =>
          listener.setSecureContext({ key: key("server"), mutualSsl: { cert: file("other_ca.pem") } })
        );
        expect(error).toBeInstanceOf(UnsupportedError);
        expect(error).toMatchObject({
          feature: "setSecureContext",
          message: expect.stringContaining("mutualSsl.cert"),
        });
        listener.setSecureContext({ key: key("renewed"), mutualSsl: { cert: file("ca.pem") } });
      }),
    }, async () => {
      const as = (name: string): ClientConfiguration => ({ secureSocket: { cert: file("ca.pem"), key: key(name) } });
      const listener = await listen({ mutualSsl: { cert: file("ca.pem") } });
      const early = await connect(byName(listener), as("client"));
      listener.setSecureContext({ key: key("server"), mutualSsl: { cert: file("other_ca.pem") } });
      expect(await failure(connect(byName(listener), as("client")))).toBeInstanceOf(ConnectionError);
      expect(await (await connect(byName(listener), as("stranger"))).close()).toMatchObject({ code: 1000 });
      await early.writeTextMessage("still here");
      expect(await early.readTextMessage()).toBe("still here");
    }),
  );

  it("T1: before the start it is what the listener starts with; without TLS it is a TypeError", async () => {
    const plain = new Listener(0, { host: LOOPBACK });
    expect(() => plain.setSecureContext({ key: key("server") })).toThrow(
      new TypeError('Cannot set the secure context: the listener was made without "secureSocket"'),
    );
    const listener = new Listener(0, { host: LOOPBACK, secureSocket: { key: key("elsewhere") } });
    whenOver(() => listener.immediateStop());
    listener.setSecureContext({ key: key("server") });
    listener.attach("/", { get: () => ECHO });
    await listener.start();
    expect(await (await connect(byName(listener), TRUSTED)).close()).toMatchObject({ code: 1000 });
  });
});

it("T1: a listener that stops lets go of connections whose handshake is not done", async () => {
  const listener = await listen();
  const socket = connectTcp(listener.port, "127.0.0.1");
  socket.on("error", () => {});
  whenOver(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  const gone = new Promise((resolve) => socket.once("close", resolve).resume());
  const client = await connect(byName(listener), TRUSTED);
  expect(await listener.gracefulStop({ timeout: 5 })).toEqual({ closed: 1, cut: 0 });
  expect(await client.closed).toMatchObject({ code: 1001 });
  const stays = (): Promise<unknown> => Promise.resolve(expect(socket.readyState).toBe("open"));
  await here<() => Promise<unknown>>({
    "deno native": deviates("deno-own-tls", stays),
    "bun native": deviates("bun-own-tls", stays),
  }, () => gone)();
});
