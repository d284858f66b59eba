/** The same for `hawser/node`: a page and a WebSocket on one port of a `node:http` server. Prints one line. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Client, Router } from "../../mod.ts";
import { Router as SameRouter, upgrade, type UpgradeListener } from "../../src/adapters/node/mod.ts";

const router: SameRouter = new Router();
router.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
const server = createServer((_request, response) => void response.end("A page"));
const upgrades: UpgradeListener = upgrade(router);
server.on("upgrade", upgrades);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;

const page = await fetch(`http://127.0.0.1:${port}/`);
const client = await Client.connect(`ws://127.0.0.1:${port}/echo`);
await client.writeTextMessage("An echo");
const answer = await client.readTextMessage();
const { code } = await client.close();
server.close();
server.closeAllConnections();
console.log(
  `${await page.text()}, ${answer}, closed with ${code}, ${SameRouter === Router ? "one" : "another"} Router`,
);
