/**
 * A chat on the port of a Bun server, beside its pages. `PORT` chooses the port:
 *
 *     bun examples/bun_server.ts
 */

import process from "node:process";
import { broadcast, type Caller } from "../mod.ts";
import { Router } from "../src/adapters/bun/mod.ts";

const PAGE = `<!doctype html>
<title>Chat</title>
<form onsubmit="socket.send(this.text.value); this.reset(); return false"><input name="text" autofocus></form>
<pre id="said"></pre>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "chat");
  socket.onmessage = (event) => said.append(event.data + "\\n");
</script>
`;

const room = new Set<Caller>();
const router = new Router();
router.attach("/chat", {
  get: () => ({
    onOpen: (caller) => void room.add(caller),
    onTextMessage: (_caller, text) => void broadcast(room, text),
    onClose: (caller) => void room.delete(caller),
  }),
});

const { port } = Bun.serve({
  port: Number(process.env["PORT"] ?? 9090),
  hostname: "127.0.0.1",
  routes: {
    "/": () => new Response(PAGE, { headers: { "content-type": "text/html;charset=utf-8" } }),
    "/chat": router.fetch,
  },
  websocket: router.websocket,
});
console.log(`A chat at http://127.0.0.1:${port}/, its words through ws://127.0.0.1:${port}/chat`);
