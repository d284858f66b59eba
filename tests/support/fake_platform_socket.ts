/** A WHATWG `WebSocket` that records what it is told, and lets a test play its platform, its peer and a slow network. */

import type { DenoWebSocket } from "../../src/adapters/deno/deno_api.ts";
import { toHex } from "./hex.ts";

export class FakePlatformSocket implements DenoWebSocket {
  binaryType = "blob";
  protocol = "";
  readyState = 1;
  bufferedAmount = 0;
  onopen: DenoWebSocket["onopen"] = null;
  onmessage: DenoWebSocket["onmessage"] = null;
  onerror: DenoWebSocket["onerror"] = null;
  onclose: DenoWebSocket["onclose"] = null;
  /** Every call, in words: `send hello`, `send 01 02`, `close 1000 bye`. */
  readonly calls: string[] = [];
  /** The network takes nothing: what is sent waits. */
  slow = false;
  closeThrows = false;

  send(data: string | Uint8Array): void {
    this.calls.push(`send ${typeof data === "string" ? data : toHex(data)}`);
    if (this.slow) this.bufferedAmount += data.length;
  }
  close(code?: number, reason?: string): void {
    this.calls.push(`close ${code ?? ""} ${reason ?? ""}`.trimEnd());
    if (this.closeThrows) throw new Error("It is lost");
  }

  open(): void {
    this.onopen?.({});
  }
  receive(data: string | Uint8Array): void {
    // As the platform does: a buffer of its own, with nothing else in it.
    this.onmessage?.({ data: typeof data === "string" ? data : data.slice().buffer });
  }
  fail(error?: unknown): void {
    this.onerror?.(error === undefined ? {} : { error });
  }
  /** Tells of the end: cleanly with a close frame of the peer. */
  end(code: number, reason = "", wasClean = true): void {
    this.onclose?.({ code, reason, wasClean });
  }
}
