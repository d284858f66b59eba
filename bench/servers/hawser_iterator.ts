/** Hawser read with `for await`, as `Client` reads it, above the host's sockets. */

import { nodeRuntime } from "../../src/adapters/node/node_runtime.ts";
import { Endpoint, type EndpointOptions } from "../../src/streams/endpoint.ts";
import { Inbox } from "../../src/streams/inbox.ts";
import { MessageIterator } from "../../src/streams/message_iterator.ts";
import type { MessageSocket } from "../../src/transport/message_socket.ts";
import { listen } from "./hawser_host.ts";

const { clock, deadlines } = nodeRuntime;
const OPTIONS: EndpointOptions = {
  clock,
  deadlines,
  readAhead: { messages: 1_024, bytes: 1_048_576 },
  maxBufferedAmount: 16_777_216,
  bufferPolicy: "wait",
  idleMs: Infinity,
  pingMs: 30_000,
  pongMs: 30_000,
  closeMs: 60_000,
};

async function echo(socket: MessageSocket): Promise<void> {
  const endpoint: Endpoint = new Endpoint(socket, {
    message: (message) => inbox.message(message),
    closed: () => inbox.closed(),
  }, OPTIONS);
  const inbox = new Inbox(endpoint);
  endpoint.start();
  const messages = new MessageIterator(inbox, { clock, readMs: Infinity }, () => void endpoint.close());
  for await (const message of messages) await endpoint.write(message);
}

await listen((socket) => {
  // The load leaves without a close frame, which the loop reports.
  echo(socket).catch(() => {});
});
