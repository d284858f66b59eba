/** Hawser at the waist: a sink that sends what it hears. */

import type { MessageSink } from "../../src/transport/message_socket.ts";
import { listen } from "./hawser_host.ts";

await listen((socket) => {
  const sink: MessageSink = {
    message: (message) => void socket.send(message),
    ping() {},
    pong() {},
    drained() {},
    closed() {},
  };
  socket.start(sink);
});
