/** News on the port of a Fastify server: what is posted to one of its routes goes to every socket. `PORT` chooses the port. */

import process from "node:process";
import { fastify } from "fastify";
import { broadcast, type Caller } from "../mod.ts";
import { Router, upgrade } from "../src/adapters/node/mod.ts";

const PAGE = `<!doctype html>
<title>News</title>
<pre id="news"></pre>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "news");
  socket.onmessage = (event) => news.append(event.data + "\\n");
</script>
`;

const readers = new Set<Caller>();
const router = new Router();
router.attach("/news", {
  get: () => ({
    onOpen: (caller) => void readers.add(caller),
    onClose: (caller) => void readers.delete(caller),
  }),
});

const app = fastify();
app.get("/", (_request, reply) => reply.type("text/html").send(PAGE));
app.post<{ Body: { title: string } }>("/news", ({ body }) => broadcast(readers, body.title));

app.server.on("upgrade", upgrade(router));
const url = await app.listen({ port: Number(process.env["PORT"] ?? 9090), host: "127.0.0.1" });
console.log(`News at ${url}/, from ${url.replace("http", "ws")}/news. To tell some:`);
console.log(`  curl ${url}/news -H "content-type: application/json" -d '{"title":"Rain"}'`);
