/** Express, Fastify, and Hono on `@hono/node-server`: their pages and our sockets on one port. */

import { serve } from "@hono/node-server";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createViteServer } from "vitest/node";
import { InvalidHandshakeError, Listener, UpgradeError } from "../../mod.ts";
import { Router, upgrade } from "../../src/adapters/node/mod.ts";
import { ECHO, failure, onSockets, switching } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { connect, answerTo, whenOver } = onSockets();

/**
 * An application that listens, as its framework's documentation has it: a page at "/", what is posted to "/json" sent
 * back, and on each answer `x-seen`, how many requests its middleware has seen.
 */
interface App {
  readonly server: Server;
  readonly port: number;
  readonly seen: readonly string[];
  /** As the framework closes. */
  close(): Promise<unknown>;
}

interface Framework {
  readonly name: string;
  /** What it says itself about a path that it does not know. */
  readonly notFound: string;
  start(): Promise<App>;
}

const FRAMEWORKS: readonly Framework[] = [
  {
    name: "Express",
    notFound: "Cannot GET /echo",
    async start() {
      const seen: string[] = [];
      const app = express();
      app.use((request, response, next) => {
        seen.push(`${request.method} ${request.path}`);
        response.set("x-seen", `${seen.length}`);
        next();
      });
      app.use(express.json());
      app.get("/", (_request, response) => void response.type("html").send("<p>A page"));
      app.post("/json", (request, response) => void response.json(request.body));
      const server = app.listen(0, "127.0.0.1");
      await once(server, "listening");
      return { server, port: portOf(server), seen, close: () => closeServer(server) };
    },
  },
  {
    name: "Fastify",
    notFound: "Route GET:/echo not found",
    async start() {
      const seen: string[] = [];
      const app = fastify();
      app.addHook("onRequest", (request, reply, done) => {
        seen.push(`${request.method} ${request.url}`);
        reply.header("x-seen", seen.length);
        done();
      });
      app.get("/", (_request, reply) => reply.type("text/html").send("<p>A page"));
      app.post("/json", (request) => request.body);
      await app.listen({ port: 0, host: "127.0.0.1" });
      return { server: app.server, port: portOf(app.server), seen, close: () => app.close() };
    },
  },
  {
    name: "Hono",
    notFound: "404 Not Found",
    async start() {
      const seen: string[] = [];
      const app = new Hono();
      app.use(async (context, next) => {
        seen.push(`${context.req.method} ${context.req.path}`);
        context.header("x-seen", `${seen.length}`);
        await next();
      });
      app.get("/", (context) => context.html("<p>A page"));
      app.post("/json", async (context) => context.json(await context.req.json()));
      const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
      await once(server, "listening");
      return { server, port: portOf(server), seen, close: () => closeServer(server) };
    },
  },
];

/** The runtime's own. `@hono/node-server` puts others in their place, for the whole process. */
const { Request: NativeRequest, Response: NativeResponse } = globalThis;
afterEach(() => {
  Object.defineProperty(globalThis, "Request", { value: NativeRequest });
  Object.defineProperty(globalThis, "Response", { value: NativeResponse });
});

describe.each(FRAMEWORKS)("$name", ({ notFound, start }) => {
  async function startApp(): Promise<App> {
    const app = await start();
    whenOver(() => (app.server.close(), app.server.closeAllConnections()));
    return app;
  }

  it("has pages and sockets on one port", async () => {
    const { server, port, seen } = await startApp();
    const router = new Router();
    router.attach("/echo", { get: () => ECHO });
    server.on("upgrade", upgrade(router));
    const client = await connect(`ws://127.0.0.1:${port}/echo`);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect([page.status, page.headers.get("x-seen"), await page.text()]).toEqual([200, "1", "<p>A page"]);
    await client.writeTextMessage("hi");
    expect(await client.readTextMessage()).toBe("hi");
    expect((await client.close()).clean).toBe(true);
    // No middleware is asked about a socket.
    expect(seen).toEqual(["GET /"]);
  });

  it("answers itself what is no upgrade, with a body and without", async () => {
    const { server, port, seen } = await startApp();
    const router = new Router();
    router.attach("/*", { get: () => ECHO });
    server.on("upgrade", upgrade(router));
    const missing = await fetch(`http://127.0.0.1:${port}/echo`);
    expect([missing.status, missing.headers.get("x-seen")]).toEqual([404, "1"]);
    expect(await missing.text()).toContain(notFound);
    const posted = { list: [1, 2, 3], text: "Grüße".repeat(1_000) };
    const body = JSON.stringify(posted);
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${port}/json`, { method: "POST", headers, body });
    expect([answer.status, await answer.json()]).toEqual([200, posted]);
    expect(seen).toEqual(["GET /echo", "POST /json"]);
  });

  it("gets an upgrade to another protocol, and answers it as an ordinary request", async () => {
    const { server, port } = await startApp();
    server.on("upgrade", upgrade(new Router()));
    // As the HTTP client of Java asks, for every first request.
    const h2c = { Upgrade: "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA" };
    const { status, answer } = await answerTo(
      port,
      upgradeRequest("/", { ...h2c, Connection: "Upgrade, HTTP2-Settings" }),
    );
    expect(status).toBe(200);
    expect(answer).toContain("<p>A page");
    expect(answer.toLowerCase()).toContain("x-seen: 1");
  });

  it("a path that nobody attached gets 404", async () => {
    const { server, port, seen } = await startApp();
    const router = new Router();
    router.attach("/echo", { get: () => ECHO });
    server.on("upgrade", upgrade(router));
    expect(await refusalAt(port, "/")).toEqual([404, null, "There is no WebSocket service at this path"]);
    expect(seen).toEqual([]);
  });

  it("a refusal reaches the client: an error with its headers, and a Response, also one of the runtime's own class", async () => {
    const { server, port } = await startApp();
    const refusal = { status: 418, headers: { "x-why": "tea" } };
    const router = new Router();
    router.attach("/error", { get: () => new UpgradeError(409, "Two of you", { "x-why": "two" }) });
    router.attach("/response", { get: () => new Response("tea", refusal) });
    router.attach("/native", { get: () => NativeResponse.json({ tea: true }, refusal) });
    server.on("upgrade", upgrade(router));
    expect(await refusalAt(port, "/error")).toEqual([409, "two", "Two of you"]);
    expect(await refusalAt(port, "/response")).toEqual([418, "tea", "tea"]);
    expect(await refusalAt(port, "/native")).toEqual([418, "tea", '{"tea":true}']);
  });

  it.each(["before", "behind"])(
    "coexists with an upgrade listener %s ours that takes a path of its own",
    async (place) => {
      const { server, port } = await startApp();
      const router = new Router();
      router.attach("/echo", { get: () => ECHO });
      if (place === "behind") server.on("upgrade", upgrade(router));
      server.on("upgrade", (request, socket) => {
        if (request.url !== "/hmr") return;
        const key = `sec-websocket-key: ${request.headers["sec-websocket-key"]}\r\n`;
        // Later than we would answer.
        setImmediate(() => socket.writable && socket.end(switching(key, "X-Theirs: 1\r\n")));
      });
      if (place === "before") server.on("upgrade", upgrade(router));
      const theirs = await answerTo(port, upgradeRequest("/hmr"));
      expect(theirs.status).toBe(101);
      expect(theirs.answer).toContain("X-Theirs: 1");
      const client = await connect(`ws://127.0.0.1:${port}/echo`);
      await client.writeTextMessage("hi");
      expect(await client.readTextMessage()).toBe("hi");
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("<p>A page");
    },
  );

  it("closes at once when a Listener on its server has stopped", async () => {
    const { server, port, close } = await startApp();
    const listener = new Listener(server);
    listener.attach("/echo", { get: () => ECHO });
    await listener.start();
    const client = await connect(`${listener.url}/echo`);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("<p>A page");
    expect(await listener.gracefulStop()).toEqual({ closed: 1, cut: 0 });
    expect(await client.closed).toMatchObject({ code: 1001, clean: true });
    await close();
  });

  it("waits with closing for a Listener that stops later", async () => {
    const { server, close } = await startApp();
    const listener = new Listener(server);
    listener.attach("/echo", { get: () => ECHO });
    await listener.start();
    const client = await connect(`${listener.url}/echo`);
    let isClosed = false;
    const closed = close().then(() => isClosed = true);
    await client.writeTextMessage("still there?");
    expect(await client.readTextMessage()).toBe("still there?");
    expect(isClosed).toBe(false);
    expect(await listener.gracefulStop()).toEqual({ closed: 1, cut: 0 });
    await closed;
  });
});

it("Fastify: a preClose hook that stops a Listener is all that close() needs", async () => {
  const app = fastify();
  const listener = new Listener(app.server);
  listener.attach("/echo", { get: () => ECHO });
  app.addHook("preClose", async () => void await listener.gracefulStop());
  await listener.start();
  await app.listen({ port: 0, host: "127.0.0.1" });
  const client = await connect(`${listener.url}/echo`);
  await app.close();
  expect(await client.closed).toMatchObject({ code: 1001, clean: true });
});

it("Fastify: serves every address of localhost", async () => {
  const app = fastify();
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  app.server.on("upgrade", upgrade(router));
  whenOver(() => app.close());
  await app.listen({ port: 0, host: "localhost" });
  const addresses = app.addresses() as AddressInfo[];
  expect(addresses).not.toEqual([]);
  // Each but the first has a server of its own, which hands its upgrades to the first one's.
  for (const { address, family, port } of addresses) {
    const client = await connect(`ws://${family === "IPv6" ? `[${address}]` : address}:${port}/echo`);
    await client.writeTextMessage(address);
    expect(await client.readTextMessage()).toBe(address);
    await client.close();
  }
});

it("Express with Vite in it: their socket reloads the page, ours is beside it", async () => {
  const root = await mkdtemp(join(tmpdir(), "hawser-vite-"));
  whenOver(() => rm(root, { recursive: true }));
  const app = express();
  const server = app.listen(0, "127.0.0.1");
  whenOver(() => (server.close(), server.closeAllConnections()));
  await once(server, "listening");
  const vite = await createViteServer({
    root,
    configFile: false,
    logLevel: "error",
    appType: "custom",
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: { server }, watch: null },
  });
  whenOver(() => vite.close());
  app.use(vite.middlewares);
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  server.on("upgrade", upgrade(router));

  const base = `127.0.0.1:${portOf(server)}`;
  expect((await fetch(`http://${base}/@vite/client`)).status).toBe(200);
  const theirs = await connect(`ws://${base}/`, { subProtocols: ["vite-hmr"] });
  expect(JSON.parse(await theirs.readTextMessage())).toEqual({ type: "connected" });
  const ours = await connect(`ws://${base}/echo`);
  vite.ws.send({ type: "full-reload" });
  expect(JSON.parse(await theirs.readTextMessage())).toMatchObject({ type: "full-reload" });
  await ours.writeTextMessage("hi");
  expect(await ours.readTextMessage()).toBe("hi");
  await Promise.all([ours.close(), theirs.close()]);
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => server.close((error) => error ? reject(error) : resolve()));
}

/** What a client hears that is not let in: the status, the header `x-why`, and the body. */
async function refusalAt(port: number, path: string): Promise<[status: number, why: string | null, body: string]> {
  const error = await failure(connect(`ws://127.0.0.1:${port}${path}`));
  if (!(error instanceof InvalidHandshakeError)) throw error;
  return [error.status, error.headers.get("x-why"), await error.body()];
}
