/**
 * Every program in examples/ runs. The demo is held to the README in docs_test.ts; those of Deno and Bun run in
 * tests/native/, and the applications, which have folders of their own, in tests/examples/.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";

import { Client } from "../mod.ts";
import { ROOT } from "../scripts/command.ts";
import { type RunningServer, startServer } from "./support/program.ts";

const SLOW = { timeout: 60_000 };

let server: RunningServer | undefined;
afterEach(() => server?.stop());

async function start(example: string): Promise<URL> {
  server = await startServer(join(ROOT, "examples", example), { PORT: "0" });
  return server.url;
}

it("every example has a test", () => {
  expect(readdirSync(join(ROOT, "examples")).sort()).toEqual([
    "README.md",
    "bun_server.ts",
    "chat",
    "demo.ts",
    "deno_server.ts",
    "echo_server.ts",
    "existing_server.ts",
    "express_server.ts",
    "fastify_server.ts",
    "hono_server.ts",
    "support",
    "taxi",
    "tic_tac_toe",
  ]);
});

it("echo_server.ts sends back what it gets", SLOW, async () => {
  const client = await Client.connect(await start("echo_server.ts"));
  await client.writeTextMessage("hello");
  await client.writeBinaryMessage(Uint8Array.of(1, 2, 3));
  expect(await client.readTextMessage()).toBe("hello");
  expect(await client.readBinaryMessage()).toEqual(Uint8Array.of(1, 2, 3));
  expect((await client.close()).clean).toBe(true);
});

it("existing_server.ts has a page and a WebSocket on one port", SLOW, async () => {
  const url = await start("existing_server.ts");
  const page = await fetch(`http://${url.host}/`);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<title>Clock</title>")]);
  const missing = await fetch(`http://${url.host}/nowhere`);
  expect([missing.status, await missing.text()]).toEqual([404, "Not found"]);
  const client = await Client.connect(`ws://${url.host}/clock`);
  expect(Date.parse(await client.readTextMessage())).not.toBeNaN();
  await client.close();
});

it("express_server.ts has a page, and says to everybody what one of them says", SLOW, async () => {
  const url = await start("express_server.ts");
  expect(await (await fetch(`http://${url.host}/`)).text()).toContain("<title>Chat</title>");
  const [ada, ben] = await Promise.all([Client.connect(`${url}chat`), Client.connect(`${url}chat`)]);
  await ada.writeTextMessage("hello");
  expect([await ada.readTextMessage(), await ben.readTextMessage()]).toEqual(["hello", "hello"]);
  await Promise.all([ada.close(), ben.close()]);
});

it("fastify_server.ts has a page, and sends to everybody what is posted", SLOW, async () => {
  const url = await start("fastify_server.ts");
  expect(await (await fetch(`http://${url.host}/`)).text()).toContain("<title>News</title>");
  const client = await Client.connect(`${url}news`);
  const headers = { "content-type": "application/json" };
  const posted = await fetch(`http://${url.host}/news`, { method: "POST", headers, body: '{"title":"Rain"}' });
  expect(await posted.json()).toEqual({ sent: 1, dropped: 0, closed: 0 });
  expect(await client.readTextMessage()).toBe("Rain");
  await client.close();
});

it("hono_server.ts has a page, and sends back what it gets", SLOW, async () => {
  const url = await start("hono_server.ts");
  expect(await (await fetch(`http://${url.host}/`)).text()).toContain("<title>Echo</title>");
  const client = await Client.connect(`${url}echo/ada`);
  await client.writeTextMessage("hello");
  expect(await client.readTextMessage()).toBe("ada: hello");
  await client.close();
});
