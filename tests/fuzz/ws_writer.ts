/** What `ws` sends, as bytes. */

import { Buffer } from "node:buffer";
import type { Role } from "../../src/protocol/engine.ts";
import type { DeflateDirection } from "../../src/protocol/permessage_deflate.ts";
import { bytesOf, joined } from "../support/frames.ts";
import { Sender, type WsDeflate, type WsSender } from "../support/ws_package.ts";
import { wsDeflate } from "./ws_reader.ts";

export class WsWriter {
  readonly role: Role;
  readonly #chunks: Uint8Array[] = [];
  readonly #deflate: WsDeflate | undefined;
  readonly #sender: WsSender;

  constructor(role: Role, outgoing: DeflateDirection | undefined, threshold: number) {
    this.role = role;
    this.#deflate = outgoing && wsDeflate(role, outgoing, { threshold });
    const socket = {
      cork() {},
      uncork() {},
      // What is not masked may be a string still.
      write: (chunk: Uint8Array | string, done?: () => void) => {
        this.#chunks.push(bytesOf(chunk).slice());
        done?.();
        return true;
      },
    };
    this.#sender = new Sender(socket, this.#deflate === undefined ? {} : { "permessage-deflate": this.#deflate });
  }

  /** Resolves when it is compressed and written. */
  send(message: string | Uint8Array): Promise<void> {
    const binary = typeof message !== "string";
    // It masks in place what it is given.
    const data = binary ? Buffer.from(message) : message;
    const options = { binary, fin: true, mask: this.role === "client", compress: this.#deflate !== undefined };
    return new Promise((resolve) => this.#sender.send(data, options, () => resolve()));
  }

  /** Everything so far. Nothing may be sent after it. */
  written(): Uint8Array {
    this.#deflate?.cleanup();
    return joined(this.#chunks);
  }
}
