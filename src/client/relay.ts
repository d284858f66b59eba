/**
 * A byte transport whose listener changes: first whoever asks a proxy, then the opening handshake, then the connection.
 * What comes in between is kept. Knows no byte it passes on.
 */

import { concat } from "../bytes.ts";
import type { ByteSink, ByteTransport } from "../transport/byte_transport.ts";

export class Relay implements ByteTransport, ByteSink {
  readonly #transport: ByteTransport;
  #isStarted = false;
  #sink: ByteSink | undefined;
  #paused = false;
  /** What came while nobody listened. Little: the transport is paused then. */
  #kept: Uint8Array[] = [];
  #hasEnded = false;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(transport: ByteTransport) {
    this.#transport = transport;
  }

  /** The relay of `transport`, which may be one already. */
  static of(transport: ByteTransport): Relay {
    return transport instanceof Relay ? transport : new Relay(transport);
  }

  /** The listener has heard enough. */
  suspend(): void {
    this.#sink = undefined;
    this.#transport.pause();
  }

  /** Hands out what came since `suspend`. */
  takeKept(): Uint8Array {
    const kept = concat(...this.#kept);
    this.#kept = [];
    return kept;
  }

  /** From each listener. It is not called from inside this call. */
  start(sink: ByteSink): void {
    if (this.#isStarted) return queueMicrotask(() => this.#goOn(sink));
    this.#isStarted = true;
    this.#sink = sink;
    this.#transport.start(this);
  }

  get bufferedAmount(): number {
    return this.#transport.bufferedAmount;
  }

  get turnPerChunk(): boolean {
    return this.#transport.turnPerChunk === true;
  }

  write(chunk: Uint8Array): boolean {
    return this.#transport.write(chunk);
  }

  end(): void {
    this.#transport.end();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#transport.pause();
  }

  resume(): void {
    this.#paused = false;
    // Before the next listener is there, `start` will.
    if (this.#sink !== undefined) this.#transport.resume();
  }

  bytes(chunk: Uint8Array): void {
    if (this.#sink === undefined) this.#kept.push(chunk);
    else this.#sink.bytes(chunk);
  }

  drained(): void {
    this.#sink?.drained();
  }

  ended(): void {
    if (this.#sink === undefined) this.#hasEnded = true;
    else this.#sink.ended();
  }

  closed(error?: Error): void {
    if (this.#sink === undefined) this.#end = { error };
    else this.#sink.closed(error);
  }

  #goOn(sink: ByteSink): void {
    this.#sink = sink;
    // A listener that has heard enough meanwhile leaves the rest to the next.
    for (const chunk of this.#kept.splice(0)) this.bytes(chunk);
    if (this.#sink === undefined) return;
    if (this.#hasEnded) sink.ended();
    if (this.#end !== undefined) sink.closed(this.#end.error);
    else if (!this.#paused) this.#transport.resume();
  }
}
