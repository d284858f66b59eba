/** The row R2 of the acceptance table on `node:http`: a router beside what a server does already. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { UpgradeError } from "../../mod.ts";
import { Router, upgrade, type UpgradeOptions } from "../../src/adapters/node/mod.ts";
import { deferred, ECHO, onSockets, switching } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { upgraded, answerTo, whenOver } = onSockets();

async function serverWith(router: Router, options: UpgradeOptions = {}): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => response.end(`page ${request.url}`));
  server.on("upgrade", upgrade(router, { onError() {}, ...options }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(() => (server.close(), server.closeAllConnections()));
  return { server, port: (server.address() as AddressInfo).port };
}

it("R2: serves what is attached, now or later, beside the server's pages", async () => {
  const { attach, detach, ...router } = new Router();
  const whole = Object.assign(router, { attach, detach }) as Router;
  const { port } = await serverWith(whole);
  const service = { get: () => ECHO };
  expect((await answerTo(port, upgradeRequest("/echo"))).status).toBe(404);
  attach("/echo", service);
  const peer = await upgraded(port, "/echo");
  await peer.text("hi");
  expect(await peer.nextText()).toBe("hi");
  expect(await (await fetch(`http://127.0.0.1:${port}/echo`)).text()).toBe("page /echo");
  detach(service);
  expect((await answerTo(port, upgradeRequest("/echo"))).status).toBe(404);
  await peer.text("lives on");
  expect(await peer.nextText()).toBe("lives on");
  peer.socket.destroy();
});

it("R2: leaves what nobody attached to the server's other upgrade listeners", async () => {
  const router = new Router();
  router.attach("/ours", { get: () => new UpgradeError(409, "Ours") });
  const { server, port } = await serverWith(router);
  server.on("upgrade", (request, socket) => {
    if (request.url !== "/theirs") return;
    const key = `sec-websocket-key: ${request.headers["sec-websocket-key"]}\r\n`;
    // Later than we would answer.
    setImmediate(() => socket.writable && socket.end(switching(key, "X-Theirs: 1\r\n")));
  });
  expect((await answerTo(port, upgradeRequest("/ours"))).status).toBe(409);
  const { status, answer } = await answerTo(port, upgradeRequest("/theirs"));
  expect(status).toBe(101);
  expect(answer).toContain("X-Theirs: 1");
});

it("R2: judges the handshake as a listener does", async () => {
  const router = new Router();
  router.attach("/echo", { get: () => ECHO });
  const { port } = await serverWith(router);
  expect((await answerTo(port, upgradeRequest("/echo", { "Sec-WebSocket-Version": "8" }))).status).toBe(426);
  expect((await answerTo(port, upgradeRequest("/echo", { "Sec-WebSocket-Key": "abc" }))).status).toBe(400);
  expect((await answerTo(port, upgradeRequest("/echo", { Origin: "https://other.test" }))).status).toBe(403);
});

it("R2, H2: takes as many connections as maxConnections says, and another when one has gone", async () => {
  const router = new Router();
  const closed = deferred();
  router.attach("/echo", { get: () => ({ ...ECHO, onClose: () => closed.resolve() }) });
  const { port } = await serverWith(router, { maxConnections: 1 });
  const first = await upgraded(port, "/echo");
  expect((await answerTo(port, upgradeRequest("/echo"))).status).toBe(503);
  first.socket.destroy();
  await closed.promise;
  (await upgraded(port, "/echo")).socket.destroy();
});
