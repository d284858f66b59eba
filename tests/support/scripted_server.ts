/**
 * The server's end of a client's memory transport, played by a test: it sees the request and every byte behind it, and
 * writes what it likes. No mask is random: each key is zero, so that what the client sends can be read as it is.
 */

import type { ByteSink, ByteTransport } from "../../src/transport/byte_transport.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { DialTarget } from "../../src/transport/dialer.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import type { MemoryTransport } from "../../src/transport/memory.ts";
import type { Runtime } from "../../src/transport/runtime.ts";
import { fromHex, toHex } from "./hex.ts";
import { ManualClock } from "./manual_clock.ts";

/** What a server answers to the key of sixteen zeros. */
export const ACCEPT = "ICX+Yqv66kxgM0FcWaLWlFLwTAI=";

export class ScriptedServer implements ByteSink {
  readonly clock: ManualClock = new ManualClock();
  readonly targets: DialTarget[] = [];
  readonly reported: unknown[] = [];
  /** The head of the request, once it is there. */
  request: string | undefined;
  /** The client ended its direction; the connection is gone. */
  hasEnded = false;
  isClosed = false;
  readonly runtime: Runtime;
  readonly #far: MemoryTransport;
  #received: number[] = [];

  constructor() {
    const [near, far] = memoryPair();
    this.#far = far;
    far.start(this);
    this.runtime = {
      name: "test",
      clock: this.clock,
      deadlines: new Deadlines(this.clock),
      fillRandom: (bytes) => void bytes.fill(0),
      host: () => Promise.reject(new Error("No host here")),
      dial: (target): Promise<ByteTransport> => {
        this.targets.push(target);
        return Promise.resolve(near);
      },
      report: (error) => void this.reported.push(error),
    };
  }

  /** Lets everything happen that is to happen without time going on. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** Writes text, or bytes in hexadecimal. */
  write(...parts: (string | { readonly hex: string })[]): void {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : fromHex(part.hex);
      if (bytes.length > 0) this.#far.write(bytes);
    }
  }

  /** One packet of text and bytes. */
  packet(text: string, hex: string): Uint8Array {
    return new Uint8Array([...new TextEncoder().encode(text), ...fromHex(hex)]);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#far.write(bytes);
  }

  /** Ends our direction. */
  end(): void {
    this.#far.end();
  }

  /** The connection is lost. */
  lose(): void {
    this.#far.lose();
  }

  /** The network takes nothing more from the client. */
  get far(): MemoryTransport {
    return this.#far;
  }

  /** What came behind the request, in hexadecimal, and takes it out. */
  takeReceived(): string {
    const hex = toHex(Uint8Array.from(this.#received));
    this.#received = [];
    return hex;
  }

  bytes(chunk: Uint8Array): void {
    for (const byte of chunk) this.#received.push(byte);
    if (this.request !== undefined) return;
    const text = String.fromCharCode(...this.#received);
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) return;
    this.request = text.slice(0, end + 4);
    this.#received = this.#received.slice(end + 4);
  }
  drained(): void {}
  ended(): void {
    this.hasEnded = true;
  }
  closed(): void {
    this.isClosed = true;
  }
}

/** A 101, with headers added or replaced. */
export function switching(
  headers: Readonly<Record<string, string | undefined>> = {},
  status = "101 Switching Protocols",
): string {
  const all = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": ACCEPT, ...headers };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) =>
    `${name}: ${value}`
  );
  return `HTTP/1.1 ${status}\r\n${lines.join("\r\n")}\r\n\r\n`;
}
