import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Listener } from "../../../src/adapters/default.ts";
import { Router, upgrade } from "../../../src/adapters/node/mod.ts";
import { bind, client, HI, HI_BACK, whenOver } from "../../support/node_host.ts";
import { statusOf, upgradeRequest } from "../../support/raw_client.ts";

const ECHO = { get: () => ({ onMessage: (_caller: unknown, message: string | Uint8Array) => message }) };

/** A server with pages and upgrades of its own. */
function ownServer(): Server {
  const server = createServer((request, response) => response.end(`page ${request.url}`));
  server.on("upgrade", (message: IncomingMessage, socket: Socket) => {
    if (message.url === "/theirs") socket.end("theirs");
  });
  return server;
}

async function answerTo(port: number, request: string): Promise<string> {
  const raw = await client(port);
  await raw.write(request);
  return raw.rest();
}

async function expectEcho(port: number, target: string): Promise<void> {
  const raw = await client(port);
  await raw.write(upgradeRequest(target) + HI);
  expect(statusOf(await raw.head())).toBe(101);
  expect(await raw.take(HI_BACK.length)).toBe(HI_BACK);
  raw.socket.destroy();
}

describe("R2: on a server beside its pages and another upgrade listener", () => {
  it("upgrade(router)", async () => {
    const server = ownServer();
    const router = new Router();
    server.on("upgrade", upgrade(router));
    const port = await bind(server);
    router.attach("/echo/:name", ECHO);
    await expectEcho(port, "/echo/a");
    expect(await answerTo(port, upgradeRequest("/theirs"))).toBe("theirs");
    expect(await (await fetch(`http://127.0.0.1:${port}/echo/a`)).text()).toBe("page /echo/a");
  });

  it("new Listener(server)", async () => {
    const server = ownServer();
    const listener = new Listener(server);
    listener.attach("/echo", ECHO);
    const port = await bind(server);
    await listener.start();
    whenOver(() => listener.immediateStop());
    await expectEcho(port, "/echo");
    expect(await answerTo(port, upgradeRequest("/theirs"))).toBe("theirs");
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page /");
    await listener.gracefulStop();
    expect(server.listenerCount("upgrade")).toBe(1);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page /");
  });

  it("both, and a second router: each takes what is attached to it", async () => {
    const server = ownServer();
    const routers = [new Router(), new Router()] as const;
    for (const router of routers) server.on("upgrade", upgrade(router));
    const listener = new Listener(server);
    const port = await bind(server);
    await listener.start();
    whenOver(() => listener.immediateStop());
    routers[0].attach("/a", ECHO);
    routers[1].attach("/b", ECHO);
    listener.attach("/c", ECHO);
    for (const target of ["/a", "/b", "/c"]) await expectEcho(port, target);
  });
});

describe("upgrade(router) on a server without other upgrade listeners", () => {
  it("answers 404 to what nobody attached, also after detach", async () => {
    const server = createServer();
    const router = new Router();
    router.attach("/echo", ECHO);
    server.on("upgrade", upgrade(router, { server: "hawser" }));
    const port = await bind(server);
    await expectEcho(port, "/echo");
    router.detach(ECHO);
    expect(await answerTo(port, upgradeRequest("/echo"))).toMatch(/^HTTP\/1.1 404 [^]*Server: hawser\r\n/i);
  });

  it("without a request handler either, another protocol gets 426", async () => {
    const server = createServer();
    server.on("upgrade", upgrade(new Router()));
    const port = await bind(server);
    expect(statusOf(await answerTo(port, upgradeRequest("/", { Upgrade: "h2c" })))).toBe(426);
  });

  it("may be called by hand, by whoever decides what is for it", async () => {
    const server = createServer();
    const router = new Router();
    router.attach("/ours/*", ECHO);
    const ours = upgrade(router);
    server.on("upgrade", (message, socket: Socket, head) => {
      if (message.url?.startsWith("/ours")) ours(message, socket, head);
      else socket.end("mine");
    });
    const port = await bind(server);
    await expectEcho(port, "/ours/x");
    expect(await answerTo(port, upgradeRequest("/x"))).toBe("mine");
  });

  it("tells onError what no service took, and refuses what it does not know", async () => {
    const errors: unknown[] = [];
    const router = new Router();
    router.attach("/", {
      get: () => {
        throw new Error("secret");
      },
    });
    const server = createServer();
    server.on("upgrade", upgrade(router, { onError: (error) => errors.push(error) }));
    const port = await bind(server);
    const answer = await answerTo(port, upgradeRequest("/"));
    expect(statusOf(answer)).toBe(500);
    expect(answer).not.toContain("secret");
    expect(errors).toMatchObject([{ message: "secret" }]);
    expect(() => upgrade(router, { host: "::1" } as object)).toThrow(TypeError);
    expect(() => upgrade(router, { timeout: -1 })).toThrow(RangeError);
  });
});
