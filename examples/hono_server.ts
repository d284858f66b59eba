/** An echo on the port of a Hono application on Node, beside its pages. `PORT` chooses the port. */

import process from "node:process";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Router, upgrade } from "../src/adapters/node/mod.ts";

const PAGE = `<!doctype html>
<title>Echo</title>
<form onsubmit="socket.send(this.text.value); this.reset(); return false"><input name="text" autofocus></form>
<pre id="heard"></pre>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "echo/you");
  socket.onmessage = (event) => heard.append(event.data + "\\n");
</script>
`;

const app = new Hono();
app.get("/", (context) => context.html(PAGE));

const router = new Router();
router.attach("/echo/:name", {
  get: (_request, { params }) => ({ onTextMessage: (_caller, text) => `${params.name}: ${text}` }),
});

const port = Number(process.env["PORT"] ?? 9090);
const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`An echo at http://127.0.0.1:${port}/, from ws://127.0.0.1:${port}/echo/you`);
});
server.on("upgrade", upgrade(router));
