/** Hawser at the waist: a sink that sends what it hears. */

import type { Message, MessageSink, MessageSocket } from "../../src/transport/message_socket.ts";
import { listen } from "./hawser_host.ts";

class Echo implements MessageSink {
  readonly #socket: MessageSocket;

  constructor(socket: MessageSocket) {
    this.#socket = socket;
  }

  message(message: Message): void {
    this.#socket.send(message);
  }

  ping(): void {}
  pong(): void {}
  drained(): void {}
  closed(): void {}
}

await listen((socket) => socket.start(new Echo(socket)));
