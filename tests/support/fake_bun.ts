/** Bun's server and its sockets, as far as they are used, played by a test. */

import type {
  BunApi,
  BunListening,
  BunServeOptions,
  BunServerSocket,
  BunWebSocketOptions,
} from "../../src/adapters/bun/bun_api.ts";
import { toHex } from "./hex.ts";

type Handlers = Pick<BunWebSocketOptions, "open" | "close">;

export class FakeBunSocket implements BunServerSocket {
  data: unknown;
  readyState = 1;
  binaryType = "nodebuffer";
  /** Every call, in words: `send hello`, `send 01 02 compressed`, `close 1000 bye`, `terminate`, `pause`, `resume`. */
  readonly calls: string[] = [];
  /** What waits for the peer; `slow`: everything does that is sent. */
  buffered = 0;
  slow = false;
  readonly #handlers: Handlers;

  constructor(data: unknown, handlers: Handlers) {
    this.data = data;
    this.#handlers = handlers;
    handlers.open(this);
  }

  send(data: string | Uint8Array, compress = false): number {
    this.calls.push(`send ${word(data)}${compress ? " compressed" : ""}`);
    if (this.readyState !== 1) return 0;
    if (!this.slow) return data.length;
    this.buffered += data.length;
    return -1;
  }
  ping(data: Uint8Array): number {
    this.calls.push(`ping ${word(data)}`.trimEnd());
    return data.length;
  }
  pong(data: Uint8Array): number {
    this.calls.push(`pong ${word(data)}`.trimEnd());
    return data.length;
  }
  close(code?: number, reason = ""): void {
    this.calls.push(`close ${code ?? ""} ${reason}`.trimEnd());
    this.end(code ?? 1000, reason);
  }
  terminate(): void {
    this.calls.push("terminate");
    this.end(1006);
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }

  /** Bun lets it go: for our own `close` and `terminate` before they return. */
  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.#handlers.close(this, code, reason);
  }
}

/** Bun, and the server that it starts. */
export class FakeBun implements BunApi, BunListening {
  port: number | undefined = 4_242;
  served: BunServeOptions | undefined;
  /** What `upgrade` was given, and the sockets that came of it. */
  readonly upgrades: { readonly headers: Headers; readonly data: unknown }[] = [];
  readonly sockets: FakeBunSocket[] = [];
  /** Whether the request can be upgraded, and what `upgrade` and `serve` throw, if they do. */
  upgradable = true;
  failure: Error | undefined;
  /** How it was stopped, by force or not. */
  readonly stops: boolean[] = [];
  address: { readonly address: string } | null = { address: "192.0.2.7" };
  readonly #handlers: Handlers | undefined;

  constructor(handlers?: Handlers) {
    this.#handlers = handlers;
  }

  serve(options: BunServeOptions): BunListening {
    if (this.failure !== undefined) throw this.failure;
    this.served = options;
    return this;
  }
  upgrade(_request: Request, { headers, data }: { readonly headers?: object; readonly data?: unknown } = {}): boolean {
    if (this.failure !== undefined) throw this.failure;
    if (!this.upgradable) return false;
    this.upgrades.push({ headers: new Headers(headers as HeadersInit), data });
    this.sockets.push(new FakeBunSocket(data, this.#handlers ?? this.served!.websocket));
    return true;
  }
  requestIP(): { readonly address: string } | null {
    return this.address;
  }
  stop(force = false): Promise<void> {
    this.stops.push(force);
    return Promise.resolve();
  }
}

function word(data: string | Uint8Array): string {
  return typeof data === "string" ? data : toHex(data);
}
