/** A relay in front of a port, which reads along: the heads of the handshake, and the frames behind them. */

import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface TappedFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** RSV1: the message is compressed. */
  readonly compressed: boolean;
  readonly length: number;
}

/** One direction of the connection. */
export class Direction {
  /** The request or the answer, once it is complete. */
  head = "";
  /** Those whose header has come. */
  readonly frames: TappedFrame[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #payloadLeft = 0;

  /** The extensions that stand in the head. */
  get extensions(): string {
    return /^sec-websocket-extensions: *(.*)\r$/im.exec(this.head)?.[1] ?? "";
  }

  /** The frames of data, of the messages of a kind in whole. */
  messageFrames(opcode: number): TappedFrame[] {
    let kind = 0;
    return this.frames.filter((frame) => {
      if (frame.opcode === 1 || frame.opcode === 2) kind = frame.opcode;
      return frame.opcode < 8 && kind === opcode;
    });
  }

  hear(chunk: Uint8Array): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    if (this.head === "") {
      const end = this.#pending.indexOf("\r\n\r\n");
      if (end === -1) return;
      this.head = this.#pending.toString("latin1", 0, end + 4);
      this.#pending = this.#pending.subarray(end + 4);
    }
    for (;;) {
      const skipped = Math.min(this.#payloadLeft, this.#pending.length);
      this.#pending = this.#pending.subarray(skipped);
      this.#payloadLeft -= skipped;
      if (this.#payloadLeft > 0 || !this.#readHeader()) return;
    }
  }

  #readHeader(): boolean {
    const bytes = this.#pending;
    if (bytes.length < 2) return false;
    const short = bytes[1]! & 0x7f;
    const size = short === 126 ? 4 : short === 127 ? 10 : 2;
    const header = size + (bytes[1]! & 0x80 ? 4 : 0);
    if (bytes.length < header) return false;
    const length = size === 2 ? short : size === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const first = bytes[0]!;
    this.frames.push({ opcode: first & 0x0f, fin: first >= 0x80, compressed: (first & 0x40) !== 0, length });
    this.#pending = bytes.subarray(header);
    this.#payloadLeft = length;
    return true;
  }
}

export interface Wiretap {
  readonly port: number;
  /** What the client says on the only connection that asks for an upgrade. */
  readonly fromClient: Direction;
  readonly fromServer: Direction;
}

/** Relays a free port to `port` of this machine, until the test is over. */
export async function wiretap(port: number): Promise<Wiretap> {
  const connections: (readonly [fromClient: Direction, fromServer: Direction])[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const far = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    sockets.push(client, far);
    const directions = [new Direction(), new Direction()] as const;
    connections.push(directions);
    relay(client, far, directions[0]);
    relay(far, client, directions[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const upgraded = (): readonly [Direction, Direction] => {
    const found = connections.find(([{ head }]) => /^upgrade: websocket\r$/im.test(head));
    if (found === undefined) throw new Error("Nobody asked for an upgrade");
    return found;
  };
  return {
    port: (server.address() as AddressInfo).port,
    get fromClient() {
      return upgraded()[0];
    },
    get fromServer() {
      return upgraded()[1];
    },
  };
}

function relay(from: Socket, to: Socket, direction: Direction): void {
  from.on("data", (chunk: Buffer) => {
    direction.hear(chunk);
    to.write(chunk);
  });
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroySoon());
}
