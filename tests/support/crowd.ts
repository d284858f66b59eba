/**
 * Many WebSocket clients over bare TCP at once, so that thousands cost little: each is upgraded, reads frames and throws
 * them away, and keeps the server's close frame in mind.
 */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { closePayload } from "./frame_peer.ts";
import { frame, KEY } from "./frames.ts";
import { upgradeRequest } from "./raw_client.ts";

/** What a member of the crowd does with what comes. */
export type Manner = "answers" | "ignores close frames" | "never reads";

export class Member {
  readonly socket: Socket;
  readonly #manner: Manner;
  /** Of the close frame that came. */
  code: number | undefined;
  /** Frames that came before it. */
  frames = 0;
  isGone = false;
  #isUpgraded = false;
  #waiting: Buffer = Buffer.alloc(0);
  readonly #opened: () => void;
  readonly gone: Promise<void>;

  constructor(port: number, path: string, manner: Manner, opened: () => void, failed: (error: Error) => void) {
    this.#manner = manner;
    this.#opened = opened;
    this.socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.socket.on("connect", () => this.socket.write(upgradeRequest(path)));
    this.socket.on("error", failed);
    this.socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.socket.on("end", () => this.socket.end());
    this.gone = new Promise((resolve) =>
      this.socket.on("close", () => {
        this.isGone = true;
        failed(new Error("The server hung up"));
        resolve();
      })
    );
  }

  text(text: string): void {
    this.socket.write(frame({ opcode: 1, payload: text, key: KEY }));
  }

  #receive(chunk: Buffer): void {
    let rest = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    if (!this.#isUpgraded) {
      const end = rest.indexOf("\r\n\r\n");
      if (end !== -1) {
        if (!rest.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) return void this.socket.destroy();
        this.#isUpgraded = true;
        rest = rest.subarray(end + 4);
        if (this.#manner === "never reads") this.socket.pause();
        this.#opened();
      }
    }
    while (this.#isUpgraded && rest.length >= 2) {
      const short = rest[1]! & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < header) break;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < header + length) break;
      if ((rest[0]! & 0x0f) === 8) this.#close(length < 2 ? 1005 : rest.readUInt16BE(header));
      else if (this.code === undefined) this.frames++;
      rest = rest.subarray(header + length);
    }
    this.#waiting = rest;
  }

  #close(code: number): void {
    this.code ??= code;
    if (this.#manner === "ignores close frames") return;
    this.socket.write(frame({ opcode: 8, payload: code === 1005 ? "" : closePayload(code), key: KEY }));
  }
}

/** Connects `count` clients to a path of a port, some at a time, and resolves when all are upgraded. */
export async function crowd(port: number, path: string, count: number, manner: Manner = "answers"): Promise<Member[]> {
  const members: Member[] = [];
  const AT_A_TIME = 100;
  while (members.length < count) {
    const more = Math.min(AT_A_TIME, count - members.length);
    await Promise.all(
      Array.from(
        { length: more },
        () =>
          new Promise<void>((resolve, reject) => void members.push(new Member(port, path, manner, resolve, reject))),
      ),
    );
  }
  return members;
}
