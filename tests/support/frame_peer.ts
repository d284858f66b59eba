/** One end of a WebSocket over TCP, played by a test: writes the frames it is told to, right or wrong, and reads frames. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { frame, type FrameParts, joined, KEY } from "./frames.ts";
import type { RawClient } from "./raw_client.ts";

export interface SeenFrame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  /** The frame begins a compressed message (RFC 7692 §6). */
  readonly compressed: boolean;
  readonly payload: Uint8Array;
  /** The payload as UTF-8. */
  readonly text: string;
  /** Of a close frame: its status code, 1005 when it has none. */
  readonly code: number | undefined;
}

export class FramePeer {
  readonly raw: RawClient;
  readonly #key: readonly number[] | undefined;

  /** A client masks what it sends; a server does not. */
  constructor(raw: RawClient, role: "client" | "server") {
    this.raw = raw;
    this.#key = role === "client" ? KEY : undefined;
  }

  get socket(): Socket {
    return this.raw.socket;
  }

  /** What the frames are on the wire; a frame may name a mask key of its own, or undefined for none. */
  encode(...frames: FrameParts[]): Uint8Array {
    return joined(frames.map((parts) => frame({ key: this.#key, ...parts })));
  }

  /** Writes frames in one packet. */
  send(...frames: FrameParts[]): Promise<void> {
    return this.raw.write(this.encode(...frames));
  }

  text(text: string): Promise<void> {
    return this.send({ opcode: 1, payload: text });
  }

  /** A close frame; without a code an empty one. */
  close(code?: number, reason = ""): Promise<void> {
    const payload = code === undefined ? "" : closePayload(code, reason);
    return this.send({ opcode: 8, payload });
  }

  /** The next frame. Rejects when the connection ends before. */
  async next(): Promise<SeenFrame> {
    const [first, second] = [...await this.#take(2)] as [number, number];
    let length = second & 0x7f;
    if (length > 125) length = (await this.#take(length === 126 ? 2 : 8)).reduce((sum, byte) => sum * 256 + byte, 0);
    const key = second >= 0x80 ? await this.#take(4) : Uint8Array.of(0, 0, 0, 0);
    const payload = (await this.#take(length)).map((byte, i) => byte ^ key[i % 4]!);
    const opcode = first & 0x0f;
    const code = opcode !== 8 ? undefined : length < 2 ? 1005 : payload[0]! << 8 | payload[1]!;
    return {
      fin: first >= 0x80,
      opcode,
      masked: second >= 0x80,
      compressed: (first & 0x40) !== 0,
      payload,
      text: new TextDecoder().decode(payload),
      code,
    };
  }

  /** The text of the next frame. */
  async nextText(): Promise<string> {
    return (await this.next()).text;
  }

  /** The code of the close frame, behind whatever comes before it. */
  async closeCode(): Promise<number> {
    return (await this.closeFrame()).code!;
  }

  /** The close frame, behind whatever comes before it. */
  async closeFrame(): Promise<SeenFrame> {
    for (;;) {
      const seen = await this.next();
      if (seen.opcode === 8) return seen;
    }
  }

  async #take(count: number): Promise<Uint8Array> {
    return new Uint8Array(Buffer.from(await this.raw.take(count), "latin1"));
  }
}

/** The payload of a close frame. */
export function closePayload(code: number, reason = ""): Uint8Array {
  return joined([Uint8Array.of(code >> 8, code & 0xff), new TextEncoder().encode(reason)]);
}
