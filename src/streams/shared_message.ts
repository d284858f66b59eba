/**
 * One message on its way to many: framed once for each kind of receiver, not once for each (features S12). Knows no
 * receiver by name.
 */

import type { Framed, Message, MessageSocket } from "../transport/message_socket.ts";

export class SharedMessage {
  readonly message: Message;
  readonly #framed = new Map<number | string, Framed>();
  /** The last receiver's, who is of one kind with the next mostly. */
  #framing: number | string | undefined;
  #last: Framed | undefined;

  /** @param message unchanged for as long as this is used */
  constructor(message: Message) {
    this.message = message;
  }

  /** Sends it. As `MessageSocket.send`. */
  sendTo(socket: MessageSocket): boolean {
    const { framing } = socket;
    if (framing === undefined || !socket.frame || !socket.sendFramed) return socket.send(this.message);
    if (framing === this.#framing) return socket.sendFramed(this.#last!);
    let framed = this.#framed.get(framing);
    if (framed === undefined) this.#framed.set(framing, framed = socket.frame(this.message));
    this.#framing = framing;
    this.#last = framed;
    return socket.sendFramed(framed);
  }
}
