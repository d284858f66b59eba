/** The row R2 of the acceptance table on `Deno.serve`: a router in a server that exists already. */

import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { type Caller, UnsupportedError } from "../../mod.ts";
import { type DenoServeInfo, Router, type RouterOptions } from "../../src/adapters/deno/mod.ts";
import { deferred, ECHO, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

type Handler = (request: Request, info: DenoServeInfo) => Response | Promise<Response>;

interface DenoServer {
  readonly addr: { readonly port: number };
  shutdown(): Promise<void>;
}

/** What of Deno is used here by those who have a server already. */
const { Deno } = globalThis as unknown as {
  Deno: {
    serve(options: { port: number; hostname: string; onListen(): void }, handler: Handler): DenoServer;
    upgradeWebSocket(request: Request): { socket: WebSocket; response: Response };
  };
};

const { connect, upgraded, dial, whenOver } = onSockets();

/** Somebody's own server. */
function serve(handler: Handler): number {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  whenOver(() => server.shutdown());
  return server.addr.port;
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

it("R2: serves what is attached, now or later, beside the server's pages; its methods work unbound", async () => {
  const { attach, detach, fetch: handler } = new Router({
    fetch: (request, info) => new Response(`page ${new URL(request.url).pathname} ${"remoteAddr" in info}`),
  });
  const port = serve(handler);
  const service = {
    get: (_request: Request, { params }: { params: Readonly<Record<string, string>> }) => ({
      onTextMessage: (_caller: Caller, text: string) => `${params["name"]}: ${text}`,
    }),
  };
  expect(await answerOf(port, upgradeRequest("/chat/ada"))).toMatch(/^HTTP\/1.1 200 [^]*page \/chat\/ada true$/);
  attach("/chat/:name", service);
  const peer = await upgraded(port, "/chat/ada");
  await peer.text("hi");
  expect(await peer.nextText()).toBe("ada: hi");
  expect(await (await fetch(`http://127.0.0.1:${port}/chat/ada`)).text()).toBe("page /chat/ada true");
  detach(service);
  expect(await answerOf(port, upgradeRequest("/chat/ada"))).toContain("page /chat/ada");
  await peer.text("lives on");
  expect(await peer.nextText()).toBe("ada: lives on");
  peer.socket.destroy();
});

it("R2: without a fallback pages are 426, and upgrades that nobody attached 404", async () => {
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  const port = serve(router.fetch);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect([page.status, await page.text()]).toEqual([426, "This port speaks the WebSocket protocol"]);
  expect(await answerOf(port, upgradeRequest("/nowhere"))).toMatch(/^HTTP\/1.1 404 /);
  await expectEcho(port, "/echo");
});

it("R2: an upgrade that nobody attached may be taken by the server's own handler", async () => {
  const router = new Router({
    server: "hawser",
    fetch(request) {
      if (new URL(request.url).pathname !== "/theirs") return new Response("page");
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(`theirs: ${data}`);
      return response;
    },
  });
  router.attach("/ours", { get: () => ECHO });
  const port = serve(router.fetch);
  const client = await connect(`ws://127.0.0.1:${port}/theirs`);
  await client.writeTextMessage("hi");
  expect(await client.readTextMessage()).toBe("theirs: hi");
  await client.close();
  await expectEcho(port, "/ours");
});

it("R2: judges the handshake as a listener does", async () => {
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  const port = serve(router.fetch);
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

describe("R2: with Hono", () => {
  it("as what answers everything else", async () => {
    const app = new Hono();
    app.get("/", (context) => context.text("page"));
    const router = new Router({ fetch: app.fetch });
    router.attach("/echo", { get: () => ECHO });
    const port = serve(router.fetch);
    await expectEcho(port, "/echo");
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
    expect(await answerOf(port, upgradeRequest("/nowhere"))).toMatch(/^HTTP\/1.1 404 /);
  });

  it("as one of its routes, behind its middleware", async () => {
    const words: string[] = [];
    const app = new Hono<{ Bindings: DenoServeInfo }>();
    const router = new Router();
    const opened = deferred<string | undefined>();
    router.attach("/echo/:name", {
      get: () => ({ ...ECHO, onOpen: (caller) => opened.resolve(caller.remoteAddress) }),
    });
    app.use(async (context, next) => {
      words.push(context.req.path);
      await next();
    });
    app.get("/", (context) => context.text("page"));
    app.get("/echo/*", (context) => router.fetch(context.req.raw, context.env));
    const port = serve(app.fetch);
    await expectEcho(port, "/echo/ada");
    expect(await opened.promise).toBe("127.0.0.1");
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
    expect(words).toEqual(["/echo/ada", "/"]);
  });
});

it("R2: what Deno's sockets cannot keep is refused, when it is attached or in the constructor", async () => {
  const router = new Router();
  const refused = { maxFragments: 10, maxFrameSize: 1_000, messageTimeout: 1, maxMessageSize: 67_108_865 };
  for (const [name, value] of Object.entries(refused)) {
    const attach = (): void => router.attach("/", { get: () => ECHO, [name]: value });
    expect(attach).toThrow(UnsupportedError);
    expect(attach).toThrow(`"${name}"`);
  }
  expect(() => new Router({ webSocketCompressionEnabled: { level: 9 } })).toThrow(UnsupportedError);
  expect(() => new Router({ host: "127.0.0.1" } as RouterOptions)).toThrow(TypeError);
  // What is refused leaves no trace.
  router.attach("/", { get: () => ECHO, maxMessageSize: 67_108_864 });
  await expectEcho(serve(router.fetch), "/");
});

it("R2: when somebody shuts the server down, Deno closes with 1001 by itself", async () => {
  const router = new Router();
  const closed = deferred<number>();
  router.attach("/echo", { get: () => ({ ...ECHO, onClose: (_caller, code) => closed.resolve(code) }) });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, router.fetch);
  const client = await connect(`ws://127.0.0.1:${server.addr.port}/echo`);
  await server.shutdown();
  expect((await client.closed).code).toBe(1001);
  // Of its own close frame Deno tells nobody: to us the connection was closed without a code.
  expect(await closed.promise).toBe(1005);
});

it("R2, H2: takes as many connections as maxConnections says, and another when one has gone", async () => {
  const router = new Router({ maxConnections: 1 });
  const closed = deferred();
  router.attach("/echo", { get: () => ({ ...ECHO, onClose: () => closed.resolve() }) });
  const port = serve(router.fetch);
  const first = await upgraded(port, "/echo");
  expect(await answerOf(port, upgradeRequest("/echo"))).toContain(" 503 ");
  first.socket.destroy();
  await closed.promise;
  (await upgraded(port, "/echo")).socket.destroy();
});
