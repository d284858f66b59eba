/** undici: `WebSocket` or `WebSocketStream`, told URLs to go to. Neither can send fragments. */

import process from "node:process";
import { WebSocket, WebSocketStream } from "undici";
import { answer, hear, opened } from "./parrot.ts";

const [api] = process.argv.slice(2);

function useSocket(url: string): void {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("error", (event) => console.error(event.error));
  socket.addEventListener("open", () => {
    const closed = opened(socket.extensions);
    const wire = {
      send: (message: string | Uint8Array) => socket.send(message),
      close: (code?: number, reason?: string) => socket.close(code, reason),
    };
    socket.addEventListener(
      "message",
      ({ data }) => answer(wire, typeof data === "string" ? data : new Uint8Array(data)),
    );
    socket.addEventListener("close", ({ code, reason }) => closed(code, reason));
  });
}

async function useStream(url: string): Promise<void> {
  const stream = new WebSocketStream(url);
  const { extensions, readable, writable } = await stream.opened;
  // It should be a string, and is a map.
  const closed = opened(
    typeof extensions === "string" ? extensions : [...(extensions as Map<string, string>).keys()].join(),
  );
  stream.closed.then(
    ({ closeCode, reason }) => closed(closeCode, reason),
    ({ closeCode, reason }) => closed(closeCode ?? 1006, reason ?? ""),
  );
  const writer = writable.getWriter();
  const wire = {
    send: (message: string | Uint8Array) => void writer.write(message).catch(console.error),
    close: (closeCode?: number, reason?: string) =>
      stream.close(closeCode === undefined ? {} : { closeCode, reason: reason ?? "" }),
  };
  for await (const message of readable) answer(wire, message);
}

hear(api === "WebSocket" ? useSocket : (url) => void useStream(url).catch(console.error));
