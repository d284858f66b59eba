/** A `node:net` or `node:tls` socket as a byte transport; on Deno and Bun their own. Knows no byte it carries. */

import type { Socket } from "node:net";
import type { ByteSink, ByteTransport } from "../../transport/byte_transport.ts";

export class NetTransport implements ByteTransport {
  readonly #socket: Socket;
  #sink: ByteSink | undefined;
  #error: Error | undefined;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    // Before `start` nobody listens: an error then must not end the process; it is told by `closed`.
    socket.on("error", (error) => {
      this.#error ??= error;
    });
  }

  get bufferedAmount(): number {
    return this.#socket.writableLength;
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    const socket = this.#socket;
    if (socket.destroyed) {
      process.nextTick(() => this.#closed());
      return;
    }
    socket.on("data", (chunk: Uint8Array) => {
      // A plain array keeps every loop below on one kind of object, and its `slice` copies.
      sink.bytes(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    // Bun tells of room while there is still much to write.
    socket.on("drain", () => {
      if (!socket.writableNeedDrain) sink.drained();
    });
    socket.on("end", () => {
      this.#ended = true;
      sink.ended();
    });
    socket.on("close", () => this.#closed());
    socket.resume();
  }

  write(chunk: Uint8Array): boolean {
    return this.#socket.write(chunk);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#ended) this.#socket.resume();
  }

  #closed(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.closed(this.#error);
  }
}
