import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { httpHost } from "../../../src/adapters/node/http_host.ts";
import { ConnectionError } from "../../../src/errors.ts";
import type { Listening, ListenOptions } from "../../../src/transport/upgrade.ts";
import { bind, client, deferred, echo, HI, HI_BACK, host, OPTIONS, TOOLS, whenOver } from "../../support/node_host.ts";
import { statusOf, upgradeRequest } from "../../support/raw_client.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "../../support/tls_certificate.ts";

const RUNTIME = "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : "node";
const PAGE = (request: Request): Response => new Response(`page ${new URL(request.url).pathname}`);

/** Sends `request`, whole or in packets of `size` bytes, and takes everything up to the server's end. */
async function exchange(port: number, request: string, size?: number): Promise<string> {
  const raw = await client(port);
  await (size === undefined ? raw.write(request) : raw.writeInPieces(request, size));
  const answer = await raw.rest();
  expect(raw.error).toBe(undefined);
  return answer;
}

/** Opens a WebSocket and lets it echo. */
async function open(port: number, target = "/", authority?: string): Promise<string> {
  const raw = await client(port, authority);
  await raw.write(upgradeRequest(target) + HI);
  const head = await raw.head();
  expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
  return head;
}

describe("a port of its own", () => {
  it("L1: port 0 binds a free one and tells it", async () => {
    const { port, hostname, secure } = await host();
    expect(port).toBeGreaterThan(0);
    expect([hostname, secure]).toEqual(["127.0.0.1", false]);
    expect(statusOf(await open(port))).toBe(101);
  });

  it("L5: a busy port rejects with the system's error as the cause", async () => {
    const { port } = await host();
    const error = await host({ target: port }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toContain(`Cannot listen on 127.0.0.1:${port}: `);
    expect((error as Error).cause).toMatchObject({ code: "EADDRINUSE" });
  });

  it("attack 8: frames in the packet of the request are heard after the 101", async () => {
    const { port } = await host({ server: "hawser" });
    expect(await open(port)).toContain("Server: hawser\r\n");
  });

  it("a request in packets of one byte, frames behind it", async () => {
    const { port } = await host();
    const raw = await client(port);
    for (const byte of upgradeRequest() + HI) await raw.write(byte);
    expect(statusOf(await raw.head())).toBe(101);
    expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
  });

  it("a connection that has served requests may upgrade", async () => {
    const { port } = await host({ fetch: PAGE });
    const raw = await client(port);
    for (const path of ["/a", "/b"]) {
      await raw.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(statusOf(await raw.head())).toBe(200);
      expect(await raw.take(16)).toBe(`7\r\npage ${path}\r\n0\r\n\r\n`.slice(0, 16));
      await raw.take(1);
    }
    await raw.write(upgradeRequest() + HI);
    expect(statusOf(await raw.head())).toBe(101);
    expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
  });

  it("a 101 does not overtake the answer to an earlier request", async () => {
    const answer = deferred<Response>();
    const { port } = await host({ fetch: () => answer.promise });
    const raw = await client(port);
    await raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + upgradeRequest() + (RUNTIME === "bun" ? "" : HI));
    // A whole round trip of another connection later, nothing may have come.
    await open(port);
    expect(raw.received).toBe("");
    answer.resolve(new Response(null, { status: 204 }));
    expect(statusOf(await raw.head())).toBe(204);
    if (RUNTIME === "bun") {
      // Bun 1.4.5 takes a pipelined upgrade for an ordinary request.
      expect(statusOf(await raw.head())).toBe(204);
      return;
    }
    expect(statusOf(await raw.head())).toBe(101);
    expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
  });

  it("a client that resets while its upgrade waits for an earlier answer harms nobody", async () => {
    const answer = deferred();
    const asked = deferred();
    const { port } = await host({
      fetch: () => {
        asked.resolve();
        return answer.promise.then(() => new Response("x".repeat(1_000_000)));
      },
    }, () => expect.unreachable());
    const raw = await client(port);
    await raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + upgradeRequest());
    await asked.promise;
    raw.socket.resetAndDestroy();
    await raw.gone();
    answer.resolve();
    // An error that nobody hears would end the process: it lives, and serves the next.
    expect(statusOf(await exchange(port, "nonsense\r\n\r\n"))).toBe(400);
    await new Promise((resolve) => setImmediate(resolve));
  });

  it("an earlier request that is never answered holds an upgrade no longer than the timeout", async () => {
    const { port } = await host({ fetch: () => new Promise(() => {}), timeoutMs: 100 });
    const raw = await client(port);
    await raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + upgradeRequest());
    if (RUNTIME === "bun") raw.socket.destroy(); // see above: there it is no upgrade
    expect(await raw.rest()).toBe("");
  });
});

describe("limits, on both sides", () => {
  const target = (length: number): string => "/" + "x".repeat(length - 1);
  const headers = (bytes: number): string => {
    const bare = upgradeRequest();
    const size = bare.length - "GET / HTTP/1.1\r\n".length - "\r\n".length;
    return upgradeRequest("/", { "X-Filler": "x".repeat(bytes - size - "X-Filler: \r\n".length) });
  };

  for (const [where, size] of [["in one packet", undefined], ["in many", 700]] as const) {
    it(`L2: maxUriLength, ${where}`, async () => {
      const { port } = await host({ server: "hawser" });
      expect(statusOf(await open(port, target(4_096)))).toBe(101);
      for (const length of [4_097, 9_000, 20_000]) {
        const answer = await exchange(port, upgradeRequest(target(length)), size);
        expect(answer).toMatch(/^HTTP\/1.1 414 URI Too Long\r\n/);
        expect(answer).toContain("Server: hawser\r\n");
        expect(answer).toMatch(/\r\n\r\nA request target has at most 4096 characters$/);
      }
    });

    it(`L2: maxHeaderSize, ${where}`, async () => {
      const { port } = await host({ server: "hawser" });
      const raw = await client(port);
      await raw.write(headers(8_192));
      expect(statusOf(await raw.head())).toBe(101);
      for (const bytes of [8_193, 12_000, 24_000]) {
        const answer = await exchange(port, headers(bytes), size);
        expect(answer).toMatch(/^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
        expect(answer).toContain("Server: hawser\r\n");
        expect(answer).toMatch(/\r\n\r\nThe headers have at most 8192 bytes$/);
      }
    });

    it(`attack 2: a head that is larger than the parser reads, ${where}`, async () => {
      const { port } = await host();
      expect(statusOf(await exchange(port, headers(60_000), size))).toBe(431);
      // What never ended a line within one packet is told for what it is; in many it is a head that is too large.
      expect([414, 431]).toContain(statusOf(await exchange(port, upgradeRequest(target(60_000)), size)));
    });
  }

  it("attack 2: a huge target in one packet", async () => {
    const { port } = await host();
    expect(statusOf(await exchange(port, upgradeRequest(target(60_000))))).toBe(414);
    expect(statusOf(await exchange(port, `GET ${target(60_000)}`))).toBe(414);
  });

  it("the limits hold for ordinary requests", async () => {
    const { port } = await host({ fetch: PAGE, server: "hawser" });
    const answer = await exchange(port, `GET ${target(4_097)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 414 [^]*Server: hawser\r\n/);
    expect(statusOf(await exchange(port, `GET / HTTP/1.1\r\nHost: a\r\nA: ${"x".repeat(8_200)}\r\n\r\n`))).toBe(431);
  });

  it("attack 1: more headers than the parser keeps, before and behind those of the handshake", async () => {
    const { port } = await host({ maxHeaderSize: 65_536 });
    const many = "a:b\r\n".repeat(1_500);
    const request = upgradeRequest();
    for (const before of ["Host", "Upgrade", "Sec-WebSocket-Key"]) {
      expect(statusOf(await exchange(port, request.replace(before, many + before)))).toBe(431);
    }
    expect(statusOf(await exchange(port, request.replace("\r\n\r\n", `\r\n${many}\r\n`)))).toBe(431);
    const raw = await client(port);
    // Bun 1.4.5 keeps 200 of them, whatever it is told.
    const kept = RUNTIME === "bun" ? 190 : 900;
    await raw.write(request.replace("\r\n\r\n", `\r\n${"a:b\r\n".repeat(kept)}\r\n`));
    expect(statusOf(await raw.head())).toBe(101);
  });

  it("attack 7: a request in drips is answered 408 at the timeout", async () => {
    const { port } = await host({ timeoutMs: 150, server: "hawser" });
    const raw = await client(port);
    const request = upgradeRequest();
    let at = 0;
    const drip = setInterval(() => raw.socket.write(request[at++ % request.length]!), 10);
    const started = performance.now();
    const answer = await raw.rest();
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n[^]*Server: hawser\r\n/);
    expect(performance.now() - started).toBeGreaterThan(100);
  });

  it("attack 7: without a timeout nothing is cut", async () => {
    const { port } = await host({ timeoutMs: Infinity });
    const slow = await client(port);
    await slow.write("GET / HTTP/1.1\r\n");
    await open(port);
    expect(slow.closed).toBe(false);
  });
});

describe("L7: what is no valid handshake", () => {
  const bare = upgradeRequest();
  const POST = upgradeRequest("/", {}, "POST / HTTP/1.1");
  const body = "\r\nContent-Length: 3\r\n\r\nabc";
  const refused: Readonly<Record<string, readonly [status: number, request: string]>> = {
    "POST": [405, POST],
    "POST with a body": [405, POST.replace("\r\n\r\n", body)],
    "HTTP/1.0": [400, upgradeRequest("/", {}, "GET / HTTP/1.0")],
    "a body": [400, bare.replace("\r\n\r\n", body)],
    "a chunked body": [400, bare.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")],
    "no Host": [400, upgradeRequest("/", { Host: undefined })],
    "two Hosts": [400, upgradeRequest("/", { host: "other.test" })],
    "an ill-formed Host": [400, upgradeRequest("/", { Host: "a b" })],
    "a Host that is no address": [400, upgradeRequest("/", { Host: "1.2.3.4.5" })],
    "no version": [426, upgradeRequest("/", { "Sec-WebSocket-Version": undefined })],
    "version 8": [426, upgradeRequest("/", { "Sec-WebSocket-Version": "8" })],
    "no key": [400, upgradeRequest("/", { "Sec-WebSocket-Key": undefined })],
    "two keys": [400, upgradeRequest("/", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" })],
    "a short key": [400, upgradeRequest("/", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZQ==" })],
    "twice the same sub-protocol": [400, upgradeRequest("/", { "Sec-WebSocket-Protocol": "a, a" })],
    "attack 3: separators without end": [
      400,
      upgradeRequest("/", { "Sec-WebSocket-Extensions": `a${";".repeat(7_000)}` }),
    ],
    "a folded header": [400, bare.replace("Version: 13", "Version:\r\n 13")],
    "bare line feeds": [400, bare.replaceAll("\r\n", "\n")],
    "a space before the colon": [400, upgradeRequest("/", { "A ": "b" })],
    "a control character": [400, upgradeRequest("/", { A: "b\x01c" })],
    "a NUL": [400, upgradeRequest("/", { A: "b\0c" })],
    "a TLS hello": [400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    "attack 12: a relative target": [400, upgradeRequest("x")],
    "attack 12: a target in asterisk form": [400, upgradeRequest("*")],
    "attack 12: a fragment": [400, upgradeRequest("/x#y")],
    "attack 12: user information": [400, upgradeRequest("http://a@b.test/")],
  };
  for (const [name, [status, request]] of Object.entries(refused)) {
    it(`${name}: ${status}`, async () => {
      const { port } = await host({ server: "hawser" }, () => expect.unreachable());
      const answer = await exchange(port, request);
      expect(statusOf(answer)).toBe(status);
      expect(answer).toContain("\r\nServer: hawser\r\n");
      expect(answer).toContain("close\r\n");
      // One plain sentence.
      expect(answer).toMatch(/\r\n\r\n[A-Z][^\n]{10,80}[^.\n]$/);
      if (status === 405) expect(answer).toContain("\r\nAllow: GET\r\n");
      if (status === 426) expect(answer).toContain("\r\nSec-WebSocket-Version: 13\r\n");
    });
  }

  it("attack 4: names of an object's own are unknown extensions", async () => {
    const { port } = await host();
    const raw = await client(port);
    await raw.write(upgradeRequest("/", { "Sec-WebSocket-Extensions": "__proto__; constructor=1, toString" }));
    const head = await raw.head();
    expect(statusOf(head)).toBe(101);
    expect(head).not.toContain("Extensions");
  });

  it("attack 12: what can be routed is handed on as it is", async () => {
    const urls: string[] = [];
    const { port } = await host({}, (upgrade) => {
      urls.push(upgrade.request.url);
      return upgrade.reject(new Response(null, { status: 404 }));
    });
    for (const target of ["//x/y", "/%zz", "/a?b=%zz", "HTTP://other.test/abs"]) {
      expect(statusOf(await exchange(port, upgradeRequest(target)))).toBe(404);
    }
    // Bun 1.4.5 takes no other scheme.
    expect(statusOf(await exchange(port, upgradeRequest("ws://other.test")))).toBe(RUNTIME === "bun" ? 400 : 404);
    expect(urls).toEqual([
      "http://hawser.test//x/y",
      "http://hawser.test/%zz",
      "http://hawser.test/a?b=%zz",
      "http://other.test/abs",
      ...RUNTIME === "bun" ? [] : ["http://other.test/"],
    ]);
  });

  it("a refusal is not lost when the peer goes on writing", async () => {
    const { port } = await host();
    for (const request of [POST, "nonsense\r\n\r\n"]) {
      const raw = await client(port);
      await raw.write(request + "x".repeat(500_000));
      expect(await raw.rest()).toMatch(/^HTTP\/1.1 4/);
      await raw.write("x".repeat(500_000));
      raw.socket.end();
      await raw.gone();
      expect(raw.error).toBe(undefined);
    }
  });
});

describe("L8: an upgrade to something else is an ordinary request", () => {
  it("on a port of its own", async () => {
    const { port } = await host({ fetch: PAGE });
    const answer = await exchange(port, upgradeRequest("/page", { Upgrade: "h2c" }));
    expect(answer).toMatch(/^HTTP\/1.1 200 [^]*page \/page/);
  });

  it("without a handler: 426, and what to upgrade to", async () => {
    const { port } = await host();
    const answer = await exchange(port, upgradeRequest("/", { Upgrade: "h2c" }));
    expect(answer).toMatch(/^HTTP\/1.1 426 Upgrade Required\r\n/);
    expect(answer).toMatch(/\r\nUpgrade: websocket\r\n/i);
    expect(answer).toMatch(/\r\nConnection: Upgrade, close\r\n/i);
  });

  it("with a body, which the parser would leave on the socket: 501", async () => {
    const { port } = await host({ fetch: PAGE });
    const request = upgradeRequest("/", { Upgrade: "h2c", "Content-Length": "3" }, "POST / HTTP/1.1");
    expect(statusOf(await exchange(port, request + "abc"))).toBe(501);
  });

  it("on a shared server, by its own handler", async () => {
    const server = createServer((request, response) => response.end(`own ${request.method} ${request.url}`));
    const port = await bind(server);
    await join(server);
    const answer = await exchange(port, upgradeRequest("/page", { Upgrade: "h2c" }));
    expect(answer).toMatch(/^HTTP\/1.1 200 [^]*own GET \/page/);
  });
});

/** Joins a server that exists already. */
async function join(server: Server, options: Partial<ListenOptions> = {}): Promise<Listening> {
  const listening = await httpHost(TOOLS)({ ...OPTIONS, target: server, ...options }, async (upgrade) => {
    if (!(options.claims ?? OPTIONS.claims)(new URL(upgrade.request.url).pathname)) {
      return upgrade.reject(new Response("nobody's", { status: 404 }));
    }
    await echo(upgrade);
  });
  whenOver(() => listening.stop());
  return listening;
}

describe("a server that exists already", () => {
  const own = (_request: IncomingMessage, response: { end(text: string): void }): void => response.end("own page");

  it("L1: shares its port with its own requests", async () => {
    const server = createServer(own);
    const port = await bind(server);
    const listening = await join(server);
    expect([listening.port, listening.secure]).toEqual([port, false]);
    expect(statusOf(await open(port))).toBe(101);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("own page");
    expect(server.listeners("request")).toEqual([own]);
  });

  it("L1: over TLS", async () => {
    const secure: boolean[] = [];
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, own);
    const port = await bind(server as unknown as Server);
    const listening = await httpHost(TOOLS)({ ...OPTIONS, target: server }, async (upgrade) => {
      secure.push(upgrade.request.secure);
      expect(upgrade.request.url).toMatch(/^https:/);
      await echo(upgrade);
    });
    expect(listening.secure).toBe(true);
    expect(statusOf(await open(port, "/", AUTHORITY))).toBe(101);
    expect(secure).toEqual([true]);
    await listening.stop();
  });

  it("R2: leaves what it does not claim to the other listeners, and keeps what it does", async () => {
    const server = createServer(own);
    const others = (_message: IncomingMessage, socket: { end(text: string): void }): void => {
      if (_message.url !== "/ours") socket.end("theirs");
    };
    server.on("upgrade", others);
    const port = await bind(server);
    await join(server, { claims: (pathname) => pathname === "/ours" });
    expect(await exchange(port, upgradeRequest("/x"))).toBe("theirs");
    expect(await exchange(port, upgradeRequest("/ours", { Upgrade: "h2c" }, "GET /x HTTP/1.1"))).toBe("theirs");
    expect(statusOf(await open(port, "/ours"))).toBe(101);
  });

  it("R2: answers 404 where there are no others", async () => {
    const server = createServer(own);
    const port = await bind(server);
    await join(server, { claims: () => false });
    expect(await exchange(port, upgradeRequest("/x"))).toMatch(/^HTTP\/1.1 404 [^]*nobody's$/);
  });

  it("R2: two of us on one server each take what they claim, and one of them answers for the rest", async () => {
    const server = createServer(own);
    const port = await bind(server);
    await join(server, { claims: (pathname) => pathname === "/a" });
    await join(server, { claims: (pathname) => pathname === "/b" || pathname === "/a" });
    expect(statusOf(await open(port, "/a"))).toBe(101);
    expect(statusOf(await open(port, "/b"))).toBe(101);
    expect(statusOf(await exchange(port, upgradeRequest("/c")))).toBe(404);
    expect(await exchange(port, upgradeRequest("/c", { Upgrade: "h2c" }))).toMatch(/200 OK[^]*own page/);
  });

  it("stop takes our listener off and nothing else; open sockets live on", async () => {
    const server = createServer(own);
    const other = (_message: IncomingMessage, socket: { end(text: string): void }): void => socket.end("theirs");
    const port = await bind(server);
    const listening = await join(server);
    const raw = await client(port);
    await raw.write(upgradeRequest());
    await raw.head();
    server.on("upgrade", other);
    await listening.stop();
    expect(server.listeners("upgrade")).toEqual([other]);
    expect(server.listening).toBe(true);
    await raw.write(HI);
    expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("own page");
  });
});

describe("stop", () => {
  it("frees the port at once; open sockets live on", async () => {
    const first = await host();
    const { port } = first;
    const raw = await client(port);
    await raw.write(upgradeRequest());
    await raw.head();
    await first.stop();
    const second = await host({ target: port });
    expect(second.port).toBe(port);
    await raw.write(HI);
    expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
    expect(statusOf(await open(port))).toBe(101);
  });

  it("awaits the upgrades that are pending", async () => {
    const decide = deferred();
    const asked = deferred();
    const listening = await host({}, async (upgrade) => {
      asked.resolve();
      await decide.promise;
      await upgrade.reject(new Response("late", { status: 503 }));
    });
    const raw = await client(listening.port);
    await raw.write(upgradeRequest());
    await asked.promise;
    let stopped = false;
    const stopping = listening.stop().then(() => stopped = true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).toBe(false);
    decide.resolve();
    await stopping;
    expect(await raw.rest()).toMatch(/^HTTP\/1.1 503 [^]*late$/);
  });

  it("ends idle connections, and half a request when the last answer is out", async () => {
    const answer = deferred<Response>();
    const asked = deferred();
    const listening = await host({
      fetch: (request) => {
        if (!request.url.endsWith("/slow")) return new Response(null, { status: 204 });
        asked.resolve();
        return answer.promise;
      },
    });
    const { port } = listening;
    const idle = await client(port);
    await idle.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await idle.head();
    const half = await client(port);
    await half.write("GET / HTTP/1.1\r\nHo");
    const slow = await client(port);
    await slow.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await asked.promise;
    await listening.stop();
    expect(await idle.rest()).toBe("");
    answer.resolve(new Response("late"));
    expect(await slow.rest()).toMatch(/^HTTP\/1.1 200 [^]*late/);
    expect(await half.rest()).toBe("");
  });
});

it("an open connection keeps no request, answer or parser alive", async () => {
  const server = createServer();
  const sockets: Socket[] = [];
  const port = await bind(server);
  server.on("connection", (socket) => sockets.push(socket));
  await join(server);
  await open(port);
  const socket = sockets[0]! as unknown as Record<string, unknown> & Socket;
  expect([socket["parser"] ?? null, socket["_httpMessage"] ?? null]).toEqual([null, null]);
  for (const event of ["error", "data", "drain"]) expect([event, socket.listenerCount(event)]).toEqual([event, 1]);
  // `net` has one of its own for the half-open end.
  expect(socket.listenerCount("end")).toBeLessThanOrEqual(2);
  expect(socket.listenerCount("timeout")).toBe(0);
});
