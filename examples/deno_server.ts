/**
 * A chat on the port of a Hono application on Deno, beside its pages. The first argument chooses the port:
 *
 *     deno run --allow-net examples/deno_server.ts 9090
 */

import { Hono } from "hono";
import { broadcast, type Caller } from "../mod.ts";
import { Router } from "../src/adapters/deno/mod.ts";

const PAGE = `<!doctype html>
<title>Chat</title>
<form onsubmit="socket.send(this.text.value); this.reset(); return false"><input name="text" autofocus></form>
<pre id="said"></pre>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "chat");
  socket.onmessage = (event) => said.append(event.data + "\\n");
</script>
`;

const app = new Hono();
app.get("/", (context) => context.html(PAGE));

const room = new Set<Caller>();
// Hono answers whatever is not for a WebSocket.
const router = new Router({ fetch: app.fetch });
router.attach("/chat", {
  get: () => ({
    onOpen: (caller) => void room.add(caller),
    onTextMessage: (_caller, text) => void broadcast(room, text),
    onClose: (caller) => void room.delete(caller),
  }),
});

const onListen = ({ port }: Deno.NetAddr): void =>
  console.log(`A chat at http://127.0.0.1:${port}/, its words through ws://127.0.0.1:${port}/chat`);
Deno.serve({ port: Number(Deno.args[0] ?? 9090), hostname: "127.0.0.1", onListen }, router.fetch);
