/** The row R2 of the acceptance table on `Bun.serve`: a router in a server that exists already. */

import { Hono } from "hono";
import { expect, it } from "vitest";
import { type Caller, UnsupportedError } from "../../mod.ts";
import {
  type BunServer,
  type BunServerSocket,
  type BunWebSocketOptions,
  Router,
  type RouterOptions,
} from "../../src/adapters/bun/mod.ts";
import { deferred, ECHO, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

type Handler = (request: Request, server: BunServer) => Response | undefined | Promise<Response | undefined>;

interface ServeOptions {
  readonly port: number;
  readonly hostname: string;
  readonly fetch?: Handler;
  readonly routes?: Readonly<Record<string, Handler>>;
  readonly websocket: BunWebSocketOptions;
}

/** What of Bun is used here by those who have a server already. */
const { Bun } = globalThis as unknown as {
  Bun: { serve(options: ServeOptions): { readonly port: number; stop(force: boolean): Promise<void> } };
};

const { connect, upgraded, dial, whenOver } = onSockets();

/** Somebody's own server. */
function serve(options: Pick<ServeOptions, "fetch" | "routes" | "websocket">): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", ...options });
  whenOver(() => server.stop(true));
  return server.port;
}

/** `websocket` is read late, and is no own property that could be spread. */
function partsOf({ fetch, websocket }: Router): Pick<ServeOptions, "fetch" | "websocket"> {
  return { fetch, websocket };
}

async function answerOf(port: number, request: string): Promise<string> {
  const raw = await dial(port);
  await raw.write(request);
  const answer = await raw.answer();
  raw.socket.destroy();
  return answer;
}

async function expectEcho(port: number, path: string, text = "hi"): Promise<void> {
  const client = await connect(`ws://127.0.0.1:${port}${path}`);
  await client.writeTextMessage(text);
  expect(await client.readTextMessage()).toBe(text);
  await client.close();
}

const NAMED = {
  get: (_request: Request, { params }: { params: Readonly<Record<string, string>> }) => ({
    onTextMessage: (_caller: Caller, text: string) => `${params["name"]}: ${text}`,
  }),
};

it("R2: serves what is attached, now or later, beside the server's pages; its methods work unbound", async () => {
  const { attach, detach, fetch: handler, websocket } = new Router({
    fetch: (request, server) => new Response(`page ${new URL(request.url).pathname} ${"upgrade" in server}`),
  });
  const port = serve({ fetch: handler, websocket });
  expect(await answerOf(port, upgradeRequest("/chat/ada"))).toMatch(/^HTTP\/1.1 200 [^]*page \/chat\/ada true$/);
  attach("/chat/:name", NAMED);
  const peer = await upgraded(port, "/chat/ada");
  await peer.text("hi");
  expect(await peer.nextText()).toBe("ada: hi");
  expect(await (await fetch(`http://127.0.0.1:${port}/chat/ada`)).text()).toBe("page /chat/ada true");
  detach(NAMED);
  expect(await answerOf(port, upgradeRequest("/chat/ada"))).toContain("page /chat/ada");
  await peer.text("lives on");
  expect(await peer.nextText()).toBe("ada: lives on");
  peer.socket.destroy();
});

it("R2: as some of the server's routes", async () => {
  const router = new Router();
  router.attach("/chat/:name", NAMED);
  const port = serve({
    routes: { "/chat/:name": router.fetch, "/page": () => new Response("page") },
    fetch: () => new Response("nowhere", { status: 404 }),
    websocket: router.websocket,
  });
  const client = await connect(`ws://127.0.0.1:${port}/chat/ada`);
  await client.writeTextMessage("hi");
  expect(await client.readTextMessage()).toBe("ada: hi");
  await client.close();
  expect(await (await fetch(`http://127.0.0.1:${port}/page`)).text()).toBe("page");
  expect((await fetch(`http://127.0.0.1:${port}/chat/ada`)).status).toBe(426);
  expect(await answerOf(port, upgradeRequest("/nowhere"))).toMatch(/^HTTP\/1.1 404 [^]*nowhere$/);
});

it("R2: without a fallback pages are 426, and upgrades that nobody attached 404", async () => {
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  const port = serve(partsOf(router));
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect([page.status, await page.text()]).toEqual([426, "This port speaks the WebSocket protocol"]);
  expect(await answerOf(port, upgradeRequest("/nowhere"))).toMatch(/^HTTP\/1.1 404 /);
  await expectEcho(port, "/echo");
});

it("R2: somebody else's sockets on the same server are passed over", async () => {
  const errors: unknown[] = [];
  const router = new Router({
    server: "hawser",
    onError: (error) => errors.push(error),
    fetch(request, server) {
      const theirs = { headers: new Headers(), data: { theirs: true } };
      return server.upgrade(request, theirs) ? undefined : new Response("page");
    },
  });
  router.attach("/ours", { get: () => ECHO });
  const ours = router.websocket;
  const ended = deferred<number>();
  const isTheirs = ({ data }: BunServerSocket): boolean => (data as { theirs?: boolean }).theirs === true;
  const port = serve({
    fetch: router.fetch,
    websocket: {
      ...ours,
      message(socket, message) {
        ours.message(socket, message);
        if (isTheirs(socket)) socket.send(`theirs: ${message}`);
      },
      close(socket, code, reason) {
        ours.close(socket, code, reason);
        if (isTheirs(socket)) ended.resolve(code);
      },
    },
  });
  const client = await connect(`ws://127.0.0.1:${port}/theirs`);
  await client.writeTextMessage("hi");
  expect(await client.readTextMessage()).toBe("theirs: hi");
  client.ping();
  await client.close(4_001);
  expect([await ended.promise, errors]).toEqual([4_001, []]);
  await expectEcho(port, "/ours");
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
});

it("R2: judges the handshake as a listener does", async () => {
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  const port = serve(partsOf(router));
  for (
    const [status, changes] of [
      [426, { "Sec-WebSocket-Version": "8" }],
      [400, { "Sec-WebSocket-Key": "abc" }],
      [403, { Origin: "https://other.test" }],
    ] as const
  ) {
    expect(await answerOf(port, upgradeRequest("/echo", changes))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  }
});

it("R2: with Hono as what answers everything else", async () => {
  const app = new Hono();
  app.get("/", (context) => context.text("page"));
  const router = new Router({ fetch: app.fetch });
  router.attach("/echo", { get: () => ECHO });
  const port = serve(partsOf(router));
  await expectEcho(port, "/echo");
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
  expect(await answerOf(port, upgradeRequest("/nowhere"))).toMatch(/^HTTP\/1.1 404 /);
});

it("R2: with Hono as one of its routes, which have to answer with something", async () => {
  const words: string[] = [];
  const app = new Hono<{ Bindings: BunServer }>();
  const router = new Router();
  router.attach("/echo/:name", { get: () => ECHO });
  app.use(async (context, next) => {
    await next();
    words.push(context.req.path);
  });
  app.onError((error, context) => (words.push(String(error)), context.text("failed", 500)));
  app.get("/", (context) => context.text("page"));
  app.get("/echo/*", async (context) => await router.fetch(context.req.raw, context.env) ?? new Response());
  const port = serve({ fetch: app.fetch, websocket: router.websocket });
  await expectEcho(port, "/echo/ada");
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
  expect(words).toEqual(["/echo/ada", "/"]);
});

it("R2: what Bun's sockets cannot keep is refused, when it is attached or in the constructor", async () => {
  const router = new Router();
  for (const [name, value] of Object.entries({ maxFragments: 10, maxFrameSize: 1_000, messageTimeout: 1 })) {
    const attach = (): void => router.attach("/", { get: () => ECHO, [name]: value });
    expect(attach).toThrow(UnsupportedError);
    expect(attach).toThrow(`"${name}"`);
  }
  expect(() => new Router({ webSocketCompressionEnabled: { level: 9 } })).toThrow(UnsupportedError);
  expect(() => new Router({ host: "127.0.0.1" } as RouterOptions)).toThrow(TypeError);
  // What is refused leaves no trace.
  router.attach("/", { get: () => ECHO });
  await expectEcho(serve(partsOf(router)), "/");
});

it("R2: Bun has one limit on messages: no service may have a larger one once it was told", async () => {
  const router = new Router();
  router.attach("/small", { get: () => ECHO, maxMessageSize: 1_000 });
  router.attach("/large", { get: () => ECHO, maxMessageSize: 20_000_000 });
  const port = serve(partsOf(router));
  const attach = (): void => router.attach("/larger", { get: () => ECHO, maxMessageSize: 20_000_001 });
  expect(attach).toThrow(UnsupportedError);
  expect(attach).toThrow("20000000 bytes are the most that this server takes");
  await expectEcho(port, "/large", "x".repeat(1_001));
  const client = await connect(`ws://127.0.0.1:${port}/small`);
  await client.writeTextMessage("x".repeat(1_001));
  expect((await client.closed).code).toBe(1009);
});

it("R2: a server with other handlers for its sockets is told, and lives", async () => {
  const errors: unknown[] = [];
  const router = new Router({ fetch: () => new Response("a page"), onError: (error) => errors.push(error) });
  router.attach("/hi", { get: () => ({ onOpen: () => "hi" }) });
  const websocket = { message() {} } as unknown as BunWebSocketOptions;
  const port = serve({ fetch: router.fetch, websocket });
  await upgraded(port, "/hi");
  expect(errors.map(String)).toEqual([expect.stringContaining('was not given the "websocket" of this router')]);
  expect(await answerOf(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toContain("a page");
});

it("R2, H2: takes as many connections as maxConnections says, and another when one has gone", async () => {
  const router = new Router({ maxConnections: 1 });
  const closed = deferred();
  router.attach("/echo", { get: () => ({ ...ECHO, onClose: () => closed.resolve() }) });
  const port = serve(partsOf(router));
  const first = await upgraded(port, "/echo");
  expect(await answerOf(port, upgradeRequest("/echo"))).toContain(" 503 ");
  first.socket.destroy();
  await closed.promise;
  (await upgraded(port, "/echo")).socket.destroy();
});
