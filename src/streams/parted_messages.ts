/**
 * The messages of one connection that come in parts (features F3), each from its first part to its last: its reader may
 * take it while it comes, and is given it whole otherwise. Knows no reader by name.
 */

import type { Message } from "../transport/message_socket.ts";
import { IncomingMessage, kindOf, type PartHolder } from "./incoming_message.ts";

/** Who reads them. */
export interface PartsReader {
  /** A message has begun: now, or as long as it is the one that waits, it may be taken. */
  begun(): void;
  /** It was not taken, and is whole now. */
  whole(message: Message): void;
}

export class PartedMessages {
  readonly #endpoint: PartHolder;
  readonly #reader: PartsReader;
  /** The one whose last part has not come. */
  #current: IncomingMessage | undefined;
  #isTaken = false;

  constructor(endpoint: PartHolder, reader: PartsReader) {
    this.#endpoint = endpoint;
    this.#reader = reader;
  }

  /** From the endpoint. */
  part(part: Message, fin: boolean): void {
    let current = this.#current;
    if (current === undefined) {
      current = this.#current = new IncomingMessage(kindOf(part), this.#endpoint);
      this.#isTaken = false;
      this.#reader.begun();
    }
    current.push(part);
    if (!fin) return;
    this.#current = undefined;
    if (this.#isTaken) current.end();
    else if (!current.isOver && current.failure === undefined) this.#reader.whole(current.join());
  }

  /** The one that nobody has taken. */
  get waiting(): IncomingMessage | undefined {
    return this.#isTaken || this.#current?.isOver ? undefined : this.#current;
  }

  /** Takes it out. */
  take(): IncomingMessage | undefined {
    const { waiting } = this;
    this.#isTaken = true;
    return waiting;
  }

  /** The last part will never come. */
  cut(error: Error): void {
    const current = this.#current;
    this.#current = undefined;
    if (this.#isTaken) current?.fail(error);
    else current?.drop();
  }
}
