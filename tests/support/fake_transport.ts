/** A `ByteTransport` that records what it is told, and lets a test play the network. Speaks only when it is told to. */

import type { ByteSink, ByteTransport } from "../../src/transport/byte_transport.ts";
import { joined } from "./frames.ts";
import { toHex } from "./hex.ts";

export class FakeTransport implements ByteTransport {
  bufferedAmount = 0;
  turnPerChunk = false;
  /** What `write` answers. */
  accepts = true;
  paused = false;
  /** Every call, in words: `write 81 01 61`, `end`, `destroy`, `pause`, `resume`. */
  readonly calls: string[] = [];
  readonly written: Uint8Array[] = [];
  sink: ByteSink | undefined;

  start(sink: ByteSink): void {
    this.sink = sink;
  }
  write(chunk: Uint8Array): boolean {
    // What `bufferedAmount` does not count was read at once, and may change.
    this.written.push(this.accepts ? chunk.slice() : chunk);
    this.calls.push(`write ${toHex(chunk)}`);
    if (!this.accepts) this.bufferedAmount += chunk.length;
    return this.accepts;
  }
  end(): void {
    this.calls.push("end");
  }
  destroy(): void {
    this.calls.push("destroy");
  }
  pause(): void {
    this.paused = true;
    this.calls.push("pause");
  }
  resume(): void {
    this.paused = false;
    this.calls.push("resume");
  }

  /** What was called since the last look. */
  take(): string[] {
    return this.calls.splice(0);
  }
  /** All bytes that were written so far. */
  get wire(): Uint8Array {
    return joined(this.written);
  }

  deliver(bytes: Uint8Array): void {
    this.sink!.bytes(bytes.slice());
  }
  /** The network takes everything again. */
  drain(): void {
    this.accepts = true;
    this.bufferedAmount = 0;
    this.sink!.drained();
  }
}
