/**
 * Two byte transports joined in memory: what one writes the other reads. Can split, hold back and lose what travels, so
 * that tests need no network. Delivers from a microtask, never from inside a call.
 */

import type { ByteSink, ByteTransport } from "./byte_transport.ts";

export interface MemoryOptions {
  /** The longest chunk that is delivered at once; longer ones are split. Infinity by default. */
  readonly chunkBytes?: number;
  /** From how many undelivered bytes on `write` answers false. 16 KiB by default. */
  readonly highWaterMark?: number;
}

/** Two joined ends. */
export function memoryPair(options: MemoryOptions = {}): [MemoryTransport, MemoryTransport] {
  const a = new MemoryTransport(options);
  const b = new MemoryTransport(options);
  a.join(b);
  b.join(a);
  return [a, b];
}

export class MemoryTransport implements ByteTransport {
  readonly #chunkBytes: number;
  readonly #highWaterMark: number;
  #peer: MemoryTransport | undefined;
  #sink: ByteSink | undefined;
  /** What was written here and not delivered there. */
  #queue: Uint8Array[] = [];
  #queued = 0;
  #owesDrained = false;
  #paused = false;
  #stuck = false;
  #ending = false;
  #endSent = false;
  #endSeen = false;
  #over = false;
  /** How it was lost, for a sink that comes later. */
  #loss: Error | undefined;
  #planned = false;

  constructor(options: MemoryOptions = {}) {
    this.#chunkBytes = options.chunkBytes ?? Infinity;
    this.#highWaterMark = options.highWaterMark ?? 16_384;
  }

  /** Makes `peer` the other end. */
  join(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  get bufferedAmount(): number {
    return this.#queued;
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    if (this.#over) queueMicrotask(() => sink.closed(this.#loss));
    else this.#peer!.#plan();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ending) return false;
    for (let at = 0; at < chunk.length;) {
      const end = Math.min(chunk.length, at + this.#chunkBytes);
      // The reader may change what it gets, and a network never hands on the very array.
      this.#queue.push(chunk.slice(at, end));
      at = end;
    }
    this.#queued += chunk.length;
    this.#plan();
    if (this.#queued < this.#highWaterMark) return true;
    this.#owesDrained = true;
    return false;
  }

  end(): void {
    this.#ending = true;
    this.#plan();
  }

  destroy(): void {
    this.lose();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer!.#plan();
  }

  /** The network takes nothing more from this end, until `unstick`. */
  stick(): void {
    this.#stuck = true;
  }

  unstick(): void {
    this.#stuck = false;
    this.#plan();
  }

  /** Both ends are gone at once, without an end; with `error` here if there is one, and a reset there. */
  lose(error?: Error): void {
    if (this.#over) return;
    this.#lost(error);
    this.#peer!.#lost(new Error("Connection reset by peer"));
  }

  #lost(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#loss = error;
    const sink = this.#sink;
    queueMicrotask(() => sink?.closed(error));
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const peer = this.#peer!;
    while (!this.#over && this.#queue.length > 0 && peer.#sink !== undefined && !peer.#paused && !this.#stuck) {
      const chunk = this.#queue.shift()!;
      this.#queued -= chunk.length;
      peer.#sink.bytes(chunk);
    }
    if (this.#over || peer.#sink === undefined || peer.#paused || this.#stuck) return;
    if (this.#owesDrained) {
      this.#owesDrained = false;
      this.#sink?.drained();
    }
    if (this.#ending && this.#queue.length === 0 && !this.#endSent) {
      this.#endSent = true;
      peer.#endSeen = true;
      peer.#sink.ended();
      this.#closeIfDone();
      peer.#closeIfDone();
    }
  }

  #closeIfDone(): void {
    if (this.#over || !this.#endSent || !this.#endSeen) return;
    this.#over = true;
    queueMicrotask(() => this.#sink?.closed());
  }
}
