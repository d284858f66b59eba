/** A `node:net` or `node:tls` socket as a byte transport; on Deno and Bun their own. Knows no byte it carries. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { SslError } from "../../errors.ts";
import type { ByteSink, ByteTransport } from "../../transport/byte_transport.ts";
import { tlsReason } from "./tls_reason.ts";

/** Finds the transport of a socket, so that all sockets share their listeners: five closures each are 350 bytes. */
const TRANSPORT: unique symbol = Symbol("transport");

/**
 * What was written last, if no large buffer is kept with it, and the same as Node's own kind of array, once it was written
 * again: a broadcast hands the same bytes to one socket after the other, and each would make that anew.
 */
const RECENT_UP_TO = 65_536;
let recent: Uint8Array | undefined;
let recentBuffer: Buffer | undefined;

type Carrier = Socket & { [TRANSPORT]?: NetTransport | undefined };

export class NetTransport implements ByteTransport {
  readonly turnPerChunk: boolean;
  readonly #socket: Socket;
  #sink: ByteSink | undefined;
  #error: Error | undefined;
  /** Bun 1.4.5 tells of an end after `destroy`, and calls the socket destroyed only then. */
  #dropped = false;

  /** @param socket half-open, not flowing, and nobody else's from now on */
  constructor(socket: Socket) {
    this.#socket = socket;
    // One read of the system may hold many records, and TLS hands them on one by one.
    this.turnPerChunk = !("encrypted" in socket && socket.encrypted === true);
    (socket as Carrier)[TRANSPORT] = this;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    // Before `start` nobody listens: an error then must not end the process; it is told by `closed`.
    socket.on("error", NetTransport.#onError);
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
    socket.on("data", NetTransport.#onData).on("drain", NetTransport.#onDrain);
    socket.on("end", NetTransport.#onEnd).on("close", NetTransport.#onClose);
    socket.resume();
  }

  write(chunk: Uint8Array): boolean {
    if (chunk === recent) {
      recentBuffer ??= Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      return this.#socket.write(recentBuffer);
    }
    recent = chunk.buffer.byteLength > RECENT_UP_TO ? undefined : chunk;
    recentBuffer = undefined;
    return this.#socket.write(chunk);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#dropped = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Hands the socket over, to whoever puts TLS on it. What it still does is not told here any more. */
  release(): Socket {
    const socket = this.#socket;
    socket.off("data", NetTransport.#onData).off("drain", NetTransport.#onDrain);
    return socket.off("end", NetTransport.#onEnd).off("close", NetTransport.#onClose);
  }

  static #onData(this: Socket, chunk: Uint8Array): void {
    const transport = (this as Carrier)[TRANSPORT];
    if (transport === undefined) return;
    // A plain array keeps every loop below on one kind of object, and its `slice` copies.
    transport.#sink?.bytes(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  }

  static #onDrain(this: Socket): void {
    const transport = (this as Carrier)[TRANSPORT];
    // Bun tells of room while there is still much to write.
    if (transport !== undefined && !this.writableNeedDrain) transport.#sink?.drained();
  }

  static #onEnd(this: Socket): void {
    const transport = (this as Carrier)[TRANSPORT];
    if (transport === undefined) return;
    // Behind an alert of TLS comes an end, and then the close that tells of both.
    if (!transport.#dropped && !(transport.#error instanceof SslError)) transport.#sink?.ended();
  }

  static #onError(this: Socket, error: Error): void {
    const transport = (this as Carrier)[TRANSPORT];
    const failure = told(error);
    if (transport !== undefined) transport.#error ??= failure;
    // Deno and Bun leave it half open.
    if (failure instanceof SslError) this.destroy();
  }

  static #onClose(this: Socket): void {
    const transport = (this as Carrier)[TRANSPORT];
    if (transport !== undefined) transport.#closed();
  }

  #closed(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    // Node keeps a dead socket until it clears out old memory: what hangs on it would be moved there too.
    (this.#socket as Carrier)[TRANSPORT] = undefined;
    sink?.closed(this.#error);
  }
}

/** TLS 1.3 tells a client that its certificate is refused only once the connection is open. */
function told(error: NodeJS.ErrnoException): Error {
  if (!error.code?.startsWith("ERR_SSL_")) return error;
  return new SslError(`TLS failed: ${tlsReason(error)}`, { cause: error });
}
