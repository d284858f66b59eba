/** The rows L of the acceptance table: a listener, its configuration, its paths, and how it stops. */

import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, expect, it } from "vitest";
import {
  type Caller,
  ConnectionError,
  Listener,
  type ListenerConfiguration,
  type Service,
  type UpgradeService,
} from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { FramePeer } from "../support/frame_peer.ts";
import { deviates, differs, here } from "../support/host.ts";
import { deferred, ECHO, failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";
import { RawClient, statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial, upgraded, answerTo, whenOver } = onSockets();

/** The path a service was found by, and its parameters, as its first message. */
function tells(name: string): UpgradeService {
  return { get: (_request, { params }) => ({ onOpen: () => `${name} ${JSON.stringify(params)}` }) };
}

describe("a port", () => {
  it("L1: port 0 binds a free one, which port and url tell", async () => {
    const [one, two] = [await listen(), await listen()];
    expect(one.port).not.toBe(two.port);
    expect(one.url).toBe(`ws://127.0.0.1:${one.port}`);
    const client = await connect(one.url);
    await client.writeTextMessage("hi");
    expect(await client.readMessage()).toBe("hi");
  });

  it("L1: before the start, and after the stop, nobody knows a port that was left open", () => {
    const listener = new Listener(0);
    expect(() => listener.port).toThrow("Cannot tell the port: the listener has not started");
    expect(new Listener(9090).url).toBe("ws://127.0.0.1:9090");
  });

  it("L1: on an http.Server that has pages of its own", async () => {
    const server = createServer((_request, response) => response.end("page"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    whenOver(() => (server.close(), server.closeAllConnections()));
    const { port } = server.address() as AddressInfo;
    const listener = new Listener(server);
    listener.attach("/echo", { get: () => ECHO });
    await listener.start();
    expect(listener.port).toBe(port);

    const client = await connect(`ws://127.0.0.1:${port}/echo`);
    await client.writeTextMessage("hi");
    expect(await client.readMessage()).toBe("hi");
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
    expect((await answerTo(port, upgradeRequest("/other"))).status).toBe(404);

    await listener.gracefulStop();
    expect((await client.closed).code).toBe(1001);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
  });

  it("L1: on an https.Server", async () => {
    const { ca, cert, key } = makeCertificates();
    const server = createTlsServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    whenOver(() => (server.close(), server.closeAllConnections()));
    const listener = new Listener(server);
    whenOver(() => listener.immediateStop());
    listener.attach("/", { get: () => ({ onOpen: (caller) => `secure: ${caller.isSecure()} ${caller.request.url}` }) });
    await listener.start();
    expect(listener.url).toMatch(/^wss:/);
    const raw = await RawClient.connect(listener.port, ca);
    whenOver(() => raw.socket.destroy());
    await raw.write(upgradeRequest("/"));
    expect(statusOf(await raw.head())).toBe(101);
    expect(await new FramePeer(raw, "client").nextText()).toBe("secure: true https://hawser.test/");
  });

  it.each(["host", "secureSocket", "fetch"])("L1: beside a server of one's own, %s is a TypeError", (name) => {
    const given = { host: LOOPBACK, secureSocket: {}, fetch: () => new Response() }[name];
    expect(() => new Listener(createServer(), { [name]: given } as ListenerConfiguration)).toThrow(TypeError);
    expect(() => new Listener(createServer(), { [name]: given } as ListenerConfiguration)).toThrow(`"${name}"`);
  });
});

describe("its configuration", () => {
  it.each<[string, unknown]>([
    ["host", ""],
    ["host", 7],
    ["timeout", -1],
    ["timeout", NaN],
    ["timeout", "1"],
    ["server", "a\r\nb"],
    ["webSocketCompressionEnabled", 1],
    ["requestLimits", 1],
    ["requestLimits.maxUriLength", { maxUriLength: 0 }],
    ["requestLimits.maxHeaderSize", { maxHeaderSize: 1.5 }],
    ["requestLimits.maxEntityBodySize", { maxEntityBodySize: -2 }],
    ["http1Settings.keepAlive", { keepAlive: "NEVER" }],
    ["fetch", "page"],
    ["onError", {}],
    ["certValidation", {}],
    ["maxPipelinedRequests", 1],
    ["trustedProxies", "127.0.0.1"],
    ["trustedProxies", ["127.0.0.1/33"]],
    ["secureSocket", true],
    ["tiemout", 1],
  ])("L2: %s is refused by its name: %j", (name, value) => {
    const error = (() => {
      try {
        return new Listener(0, { [name.split(".")[0]!]: value });
      } catch (error) {
        return error;
      }
    })();
    expect(error).toBeInstanceOf(Error);
    expect(["TypeError", "RangeError"]).toContain((error as Error).name);
    expect((error as Error).message).toContain(`"${name}"`);
  });

  it("L2: trustedProxies tell who sent a request, and whether over TLS; nobody else does", async () => {
    const service: Service = {
      onOpen: (caller) => `${caller.remoteAddress} ${caller.isSecure()} ${caller.request.url}`,
    };
    const told = async (trustedProxies: readonly string[], headers: Record<string, string>): Promise<string> => {
      const { port } = await listen(service, {}, { trustedProxies });
      return await (await upgraded(port, "/", headers)).nextText();
    };
    const usual = { "X-Forwarded-For": "6.6.6.6, 1.2.3.4, 10.1.1.1", "X-Forwarded-Proto": "https" };
    const proxies = ["127.0.0.0/8", "::1", "10.0.0.0/8"];
    expect(await told(proxies, usual)).toBe("1.2.3.4 true https://hawser.test/");
    expect(await told(proxies, { Forwarded: "for=1.2.3.4;proto=https" })).toBe("1.2.3.4 true https://hawser.test/");
    expect(await told(["10.0.0.0/8"], usual)).toBe("127.0.0.1 false http://hawser.test/");
    expect(await told([], usual)).toBe("127.0.0.1 false http://hawser.test/");
  });

  it.each([-1, 65_536, 1.5, NaN])("L2: there is no port %d", (port) => {
    expect(() => new Listener(port)).toThrow(RangeError);
  });

  const waitsForTheRest = async (): Promise<void> => {
    const listener = await listen(ECHO, {}, { timeout: 0.1 });
    listener.attach("/undecided", { get: () => new Promise<Service>(() => {}) });
    const raw = await dial(listener.port);
    const [half, rest] = upgradeRequest().split(/(?<=Host: .*\r\n)/) as [string, string];
    await raw.write(half);
    // As long as `timeout`, which holds for this one.
    expect((await answerTo(listener.port, upgradeRequest("/undecided"))).status).toBe(503);
    await raw.write(rest);
    expect(statusOf(await raw.head())).toBe(101);
  };
  it(
    "L2: a request that is slower than timeout is cut",
    differs({
      "deno native": deviates("deno-no-request-deadline", waitsForTheRest),
      "bun native": deviates("bun-own-request-deadline", waitsForTheRest),
    }, async () => {
      const listener = await listen(ECHO, {}, { timeout: 0.1 });
      const raw = await dial(listener.port);
      await raw.write("GET / HTTP/1.1\r\nHost: a\r\n");
      expect(statusOf(await raw.rest())).toBe(408);
      expect(listener.stats().refused).toEqual({ 408: 1 });
    }),
  );

  it.each([0.1, 0.201])("L2: a get that is slower than timeout is a 503: %d s", async (timeout) => {
    const listener = await listen(ECHO, {}, { timeout });
    listener.attach("/undecided", { get: () => new Promise<Service>(() => {}) });
    expect((await answerTo(listener.port, upgradeRequest("/undecided"))).status).toBe(503);
    expect(listener.stats().refused).toEqual({ 503: 1 });
  });

  it("L2: server names itself in every answer", async () => {
    const { port } = await listen(ECHO, {}, { server: "hawser test" });
    expect((await answerTo(port, upgradeRequest("/none"))).answer.toLowerCase()).toContain(
      "\r\nserver: hawser test\r\n",
    );
    const raw = await dial(port);
    await raw.write(upgradeRequest());
    expect((await raw.head()).toLowerCase()).toContain("\r\nserver: hawser test\r\n");
    expect((await fetch(`http://127.0.0.1:${port}`)).headers.get("server")).toBe("hawser test");
  });

  it("L2: requestLimits, on both sides of each", async () => {
    const headers = (length: number): string => upgradeRequest("/none", { "X-A": "a".repeat(length) });
    const most = headers(150).length - "GET /none HTTP/1.1\r\n\r\n".length;
    const { port } = await listen(ECHO, {}, {
      requestLimits: { maxUriLength: 20, maxHeaderSize: most, maxEntityBodySize: 4 },
      fetch: async (request) => new Response(await request.text()),
    });
    const long = `/${"a".repeat(19)}`;
    expect((await answerTo(port, upgradeRequest(long))).status).toBe(404);
    expect((await answerTo(port, upgradeRequest(`${long}a`))).status).toBe(414);
    expect((await answerTo(port, upgradeRequest(`http://h?${"a".repeat(20)}`))).status).toBe(414);
    expect((await answerTo(port, headers(150))).status).toBe(404);
    expect((await answerTo(port, headers(151))).status).toBe(431);
    const post = (body: string): Promise<Response> => fetch(`http://127.0.0.1:${port}`, { method: "POST", body });
    expect(await (await post("four")).text()).toBe("four");
    expect((await post("fives")).status).toBe(413);
  });

  it("L2: 4096 characters and 8192 bytes by default", async () => {
    const { port } = await listen();
    expect((await answerTo(port, upgradeRequest(`/${"a".repeat(4_095)}`))).status).toBe(404);
    expect((await answerTo(port, upgradeRequest(`/${"a".repeat(4_096)}`))).status).toBe(414);
    expect((await answerTo(port, upgradeRequest("/none", { "X-A": "a".repeat(7_800) }))).status).toBe(404);
    expect((await answerTo(port, upgradeRequest("/none", { "X-A": "a".repeat(8_192) }))).status).toBe(431);
  });
});

describe("its paths", () => {
  it.each([
    ["/chat/ada", "chat", { name: "ada" }],
    ["/chat/ada%20l%2Fm", "chat", { name: "ada l/m" }],
    ["/chat;v=1/ada;a=1;b", "chat", { name: "ada" }],
    ["/chat/me", "me", {}],
    ["/chat/ada/log", "log", { name: "ada" }],
    ["/files/a/b%20c", "files", { "*": "a/b c" }],
    ["/files", "files", { "*": "" }],
    ["/a-b/gr%C3%B6%C3%9Fe", "plain", {}],
    ["/chat/ada?x=/chat/me", "chat", { name: "ada" }],
  ])("L3: %s leads to %s", async (target, name, params) => {
    const listener = await listen();
    listener.attach("/chat/:name", tells("chat"));
    listener.attach("/chat/me", tells("me"));
    listener.attach("/chat/:name/log", tells("log"));
    listener.attach("/files/*", tells("files"));
    listener.attach("/a-b/größe", tells("plain"));
    const peer = await upgraded(listener.port, target);
    expect(await peer.nextText()).toBe(`${name} ${JSON.stringify(params)}`);
  });

  it("L3: the same path twice, a service without get and an ill-formed path are errors at attach", async () => {
    const listener = await listen();
    expect(() => listener.attach("/", tells("again"))).toThrow('Cannot attach "/": the same path is attached already');
    listener.attach("/x/:a", tells("x"));
    expect(() => listener.attach("/x/:b", tells("x"))).toThrow("the same path is attached already");
    expect(() => listener.attach("/y", {} as UpgradeService)).toThrow('Cannot attach "/y": the service has no "get"');
    expect(() => listener.attach("y", tells("y"))).toThrow('a path starts with "/"');
    expect(() => listener.attach("/*/y", tells("y"))).toThrow('"*" is only for the last segment');
    expect(() => listener.attach("/:a/:a", tells("y"))).toThrow('two parameters of the name "a"');
  });

  it("L4: detach: new upgrades get 404, open connections live on", async () => {
    const listener = await listen();
    const service: UpgradeService = { get: () => ECHO };
    listener.attach("/gone", service);
    const peer = await upgraded(listener.port, "/gone");
    listener.detach(service);
    expect((await answerTo(listener.port, upgradeRequest("/gone"))).status).toBe(404);
    await peer.text("still here");
    expect(await peer.nextText()).toBe("still here");
    expect(() => listener.detach(service)).toThrow("Cannot detach the service: it is not attached");
    listener.attach("/gone", service);
    await upgraded(listener.port, "/gone");
  });
});

describe("its life", () => {
  it("L5: start is idempotent, and resolves when the port is bound", async () => {
    const listener = new Listener(0, { host: LOOPBACK });
    whenOver(() => listener.immediateStop());
    await Promise.all([listener.start(), listener.start()]);
    const { port } = listener;
    await listener.start();
    expect(listener.port).toBe(port);
    expect((await answerTo(port, upgradeRequest())).status).toBe(404);
  });

  it("L5: a busy port rejects with the cause, and may be tried again when it is free", async () => {
    const holder = createTcpServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const listener = new Listener((holder.address() as AddressInfo).port, { host: LOOPBACK });
    whenOver(() => listener.immediateStop());
    const error = await failure(listener.start());
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).cause).toMatchObject({ code: "EADDRINUSE" });
    await new Promise((resolve) => holder.close(resolve));
    await listener.start();
    expect((await answerTo(listener.port, upgradeRequest())).status).toBe(404);
  });

  it("L6: gracefulStop closes with 1001, waits for handlers, counts, and frees the port", async () => {
    const [busy, finish] = [deferred(), deferred()];
    const events: string[] = [];
    const listener = await listen({
      onTextMessage: async () => {
        busy.resolve();
        await finish.promise;
        events.push("handled");
      },
    });
    const { port, url } = listener;
    const [one, two] = [await connect(url), await connect(url)];
    await two.writeTextMessage("work");
    await busy.promise;
    const stopping = listener.gracefulStop({ reason: "restart" }).then((result) => (events.push("stopped"), result));
    expect([await one.closed, await two.closed]).toMatchObject(Array(2).fill({ code: 1001, reason: "restart" }));
    expect((await failure(RawClient.connect(port))) as Error).toMatchObject({ code: "ECONNREFUSED" });
    while (listener.stats().open > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    finish.resolve();
    expect(await stopping).toEqual({ closed: 2, cut: 0 });
    expect(events).toEqual(["handled", "stopped"]);
  });

  it("L6: gracefulStop cuts whoever does not answer in time, and says how many", async () => {
    const listener = await listen();
    const [good, deaf] = [await connect(listener.url), await upgraded(listener.port)];
    const result = here({ "bun native": deviates("bun-no-close-wait", { closed: 2, cut: 0 }) }, { closed: 1, cut: 1 });
    expect(await listener.gracefulStop({ timeout: 0.1, statusCode: 1012 })).toEqual(result);
    expect((await good.closed).code).toBe(1012);
    expect(await deaf.closeCode()).toBe(1012);
    // Its TCP connection ends with the server's, on Deno too.
    await deaf.raw.rest();
  });

  it("L6: gracefulStop has as many as there are closed, a few at a time", async () => {
    const listener = await listen();
    const clients = await Promise.all(Array.from({ length: 150 }, () => connect(listener.url)));
    expect(await listener.gracefulStop()).toEqual({ closed: 150, cut: 0 });
    expect(new Set((await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code))).toEqual(
      new Set([1001]),
    );
  });

  it("L6: immediateStop ends all at once, without close frames", async () => {
    const codes: number[] = [];
    const listener = await listen({ onClose: (_caller, code) => codes.push(code) });
    const peers = [await upgraded(listener.port), await upgraded(listener.port)];
    await listener.immediateStop();
    expect(codes).toEqual([1006, 1006]);
    expect(listener.stats().open).toBe(0);
    // Deno sends an empty one, that of its own shutdown, or both.
    const said = here({ "deno native": deviates("deno-no-cut", /^\x88/) }, /^$/);
    for (const { raw } of peers) expect(await raw.rest()).toMatch(said);
  });

  it("L6: await using closes what is open and waits for its handlers; one that never started is none of its business", async () => {
    const events: string[] = [];
    let client;
    {
      await using never = new Listener(0, { host: LOOPBACK });
      expect(() => never.port).toThrow("has not started");
      await using listener = new Listener(0, { host: LOOPBACK });
      const begun = deferred();
      listener.attach("/", {
        get: () => ({
          async onTextMessage(caller) {
            begun.resolve();
            await new Promise((resolve) => caller.signal.addEventListener("abort", resolve));
            await new Promise((resolve) => setImmediate(resolve));
            events.push("handled");
          },
        }),
      });
      await listener.start();
      client = await connect(listener.url);
      await client.writeTextMessage("go");
      await begun.promise;
    }
    events.push("over");
    expect(events).toEqual(["handled", "over"]);
    expect(await client.closed).toMatchObject({ code: 1001, clean: true });
  });

  it("L6: await using stops it; it may be started again", async () => {
    const listener = new Listener(0, { host: LOOPBACK });
    listener.attach("/", { get: () => ECHO });
    {
      await using used = listener;
      await used.start();
      await upgraded(used.port).then(({ raw }) => raw.socket.end());
    }
    expect(() => listener.port).toThrow("has not started");
    await listener.start();
    whenOver(() => listener.immediateStop());
    const client = await connect(listener.url);
    await client.writeTextMessage("again");
    expect(await client.readMessage()).toBe("again");
  });

  it.each([{ timeout: -2 }, { statusCode: 1005 }, { reason: "x".repeat(124) }])(
    "L6: gracefulStop refuses %j at once",
    async (options) => {
      const listener = await listen();
      expect(() => listener.gracefulStop(options)).toThrow(RangeError);
      await upgraded(listener.port);
    },
  );
});

describe("its answers", () => {
  const BODY = /\r\n\r\n[A-Z][^\n]*$/;

  it.each<[string, number, string, string?]>([
    ["no route", 404, upgradeRequest("/none")],
    ["another method", 405, upgradeRequest("/", {}, "POST / HTTP/1.1"), "Allow: GET"],
    ["another version", 426, upgradeRequest("/", { "Sec-WebSocket-Version": "8" }), "Sec-WebSocket-Version: 13"],
    ["no version", 426, upgradeRequest("/", { "Sec-WebSocket-Version": undefined }), "Sec-WebSocket-Version: 13"],
    ["no key", 400, upgradeRequest("/", { "Sec-WebSocket-Key": undefined })],
    ["two keys", 400, upgradeRequest("/", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" })],
    ["a short key", 400, upgradeRequest("/", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZQ==" })],
    ["no base64", 400, upgradeRequest("/", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZ===" })],
    ["an empty key", 400, upgradeRequest("/", { "Sec-WebSocket-Key": "" })],
    ["another Upgrade", 426, upgradeRequest("/", { Upgrade: "h2c" })],
    ["no Connection", 400, upgradeRequest("/", { Connection: undefined })],
  ])("L7: %s: %d", async (_what, status, request, header) => {
    const { port } = await listen();
    // What is plain HTTP is not hung up on by itself.
    const { answer, ...seen } = await answerTo(port, request.replace("Host:", "Connection: close\r\nHost:"));
    expect(seen.status).toBe(status);
    expect(answer).toMatch(BODY);
    expect(answer).not.toMatch(/\n\s+at |node:|Error/);
    if (header !== undefined) expect(answer).toContain(`\r\n${header}\r\n`);
  });

  it("L7: an upgrade in HTTP/1.0 is refused", async () => {
    const { port } = await listen();
    const raw = await dial(port);
    await raw.write(upgradeRequest("/", {}, "GET / HTTP/1.0"));
    const status = here({
      "deno native": deviates("deno-lenient-http", 101),
      "bun native": deviates("bun-lenient-http", 101),
    }, 400);
    expect(await raw.head()).toMatch(new RegExp(`^HTTP/1\\.[01] ${status} `));
  });

  it("L7: so is one with a fragment, or with a user name in its target", async () => {
    const { port } = await listen();
    expect((await answerTo(port, upgradeRequest("/#a"))).status).toBe(400);
    const raw = await dial(port);
    await raw.write(upgradeRequest("http://a:b@hawser.test/"));
    const status = here({ "bun native": deviates("bun-lenient-http", 101) }, 400);
    expect(await raw.head()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it("L8: fetch answers ordinary requests on the same port", async () => {
    const { port, url } = await listen(ECHO, {}, {
      fetch: async (request) =>
        new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, {
          status: 201,
          headers: { "x-page": "1" },
        }),
    });
    const answer = await fetch(`http://127.0.0.1:${port}/page`, { method: "POST", body: "hello" });
    expect([answer.status, answer.headers.get("x-page"), await answer.text()]).toEqual([201, "1", "POST /page hello"]);
    const client = await connect(url);
    await client.writeTextMessage("hi");
    expect(await client.readMessage()).toBe("hi");
  });

  it("L8: without fetch they get 426; one that throws gets 500 with nothing of why", async () => {
    const none = await listen();
    const answer = await fetch(`http://127.0.0.1:${none.port}/`);
    expect([answer.status, answer.headers.get("upgrade")]).toEqual([426, "websocket"]);
    const errors: unknown[] = [];
    const broken = await listen(ECHO, {}, {
      fetch: () => {
        throw new Error("secret");
      },
      onError: (error) => errors.push(error),
    });
    const failed = await fetch(`http://127.0.0.1:${broken.port}/`);
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain("secret");
    expect(errors).toEqual([new Error("secret")]);
  });

  it("L8: stopping waits for nobody's idle page connection", async () => {
    const callers: Caller[] = [];
    const listener = await listen({ onOpen: (caller) => void callers.push(caller) });
    await (await fetch(`http://127.0.0.1:${listener.port}/`)).text();
    expect(await listener.gracefulStop()).toEqual({ closed: 0, cut: 0 });
    expect(callers).toEqual([]);
  });
});
