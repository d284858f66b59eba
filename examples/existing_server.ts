/** WebSockets on the port of a `node:http` server that has pages of its own. `PORT` chooses the port. */

import { once } from "node:events";
import { createServer } from "node:http";
import process from "node:process";
import { Listener } from "../mod.ts";

const PAGE = `<!doctype html>
<title>Clock</title>
<p id="time">
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "clock");
  socket.onmessage = (event) => time.textContent = event.data;
</script>
`;

const server = createServer((request, response) => {
  if (request.url === "/") response.setHeader("Content-Type", "text/html").end(PAGE);
  else response.writeHead(404).end("Not found");
});

const listener = new Listener(server, { onError: (error) => console.error(error) });
listener.attach("/clock", { get: () => ({ onOpen: () => times() }) });
await listener.start();

server.listen(Number(process.env["PORT"] ?? 9090), "127.0.0.1");
await once(server, "listening");
console.log(`A clock at http://127.0.0.1:${listener.port}/, its times from ws://127.0.0.1:${listener.port}/clock`);

/** The time, now and each second. A returned stream ends with its connection. */
async function* times(): AsyncGenerator<string> {
  for (;;) {
    yield new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
