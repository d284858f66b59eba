/** What `ws` makes of an upgrade request, without a network. */

import { Duplex } from "node:stream";
import { WebSocketServer } from "../support/ws_package.ts";

/** What both sides may go on with; undefined: the request was refused. */
export interface Opened {
  readonly protocol: string;
  /** The answer's parameters of permessage-deflate, windows as numbers; undefined: it was declined. */
  readonly deflate: string | undefined;
}

const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: true,
  handleProtocols: (offered) => [...offered][0]!,
});

/** @param headers as node:http has them: names in lower case, repeated ones joined */
export function wsOpens(method: string, headers: Readonly<Record<string, string>>): Opened | undefined {
  let head = "";
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      head += String(chunk);
      done();
    },
  });
  Object.assign(socket, { setTimeout: () => socket, setNoDelay: () => socket });
  const request = { method, headers, url: "/", socket };
  server.handleUpgrade(request as never, socket, Buffer.alloc(0), (opened) => opened.terminate());
  socket.destroy();
  if (!head.startsWith("HTTP/1.1 101")) return undefined;
  const line = (name: string): string | undefined => new RegExp(`^${name}: (.*)\r$`, "m").exec(head)?.[1];
  const extensions = line("Sec-WebSocket-Extensions");
  return { protocol: line("Sec-WebSocket-Protocol") ?? "", deflate: extensions && parametersOf(extensions) };
}

/** In an order, and with the windows that go without saying. */
export function parametersOf(extension: string): string {
  const named = new Map(
    extension.split(";").slice(1).map((parameter) => {
      const [name = "", value = ""] = parameter.trim().split("=");
      return [name, value] as const;
    }),
  );
  for (const name of ["client_max_window_bits", "server_max_window_bits"]) {
    if (!named.has(name)) named.set(name, "15");
  }
  return [...named].map(([name, value]) => `${name} ${value}`).sort().join(", ");
}
