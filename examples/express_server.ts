/** A chat on the port of an Express application, beside its pages. `PORT` chooses the port. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import process from "node:process";
import express from "express";
import { broadcast, type Caller } from "../mod.ts";
import { Router, upgrade } from "../src/adapters/node/mod.ts";

const PAGE = `<!doctype html>
<title>Chat</title>
<form onsubmit="socket.send(this.text.value); this.reset(); return false"><input name="text" autofocus></form>
<pre id="said"></pre>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "chat");
  socket.onmessage = (event) => said.append(event.data + "\\n");
</script>
`;

const app = express();
app.get("/", (_request, response) => void response.type("html").send(PAGE));

const room = new Set<Caller>();
const router = new Router();
router.attach("/chat", {
  get: () => ({
    onOpen: (caller) => void room.add(caller),
    onTextMessage: (_caller, text) => void broadcast(room, text),
    onClose: (caller) => void room.delete(caller),
  }),
});

const server = app.listen(Number(process.env["PORT"] ?? 9090), "127.0.0.1");
server.on("upgrade", upgrade(router));
await once(server, "listening");
const { port } = server.address() as AddressInfo;
console.log(`A chat at http://127.0.0.1:${port}/, its words through ws://127.0.0.1:${port}/chat`);
