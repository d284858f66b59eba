/** A platform's `WebSocket` class whose sockets a test plays, and which keeps every socket it made. */

import type { FindWebSocket } from "../../src/adapters/browser/web_connect.ts";
import { FakePlatformSocket } from "./fake_platform_socket.ts";

type WebSocketClass = NonNullable<ReturnType<FindWebSocket>>;

export interface FakeWebSocket {
  readonly WebSocket: WebSocketClass;
  /** What was made, the oldest first. */
  readonly sockets: readonly (FakePlatformSocket & { readonly url: string; readonly protocols: string[] })[];
}

export function fakeWebSocket(): FakeWebSocket {
  const sockets: (FakePlatformSocket & { url: string; protocols: string[] })[] = [];
  class WebSocket extends FakePlatformSocket {
    readonly url: string;
    readonly protocols: string[];

    constructor(url: string, protocols: string[]) {
      super();
      this.url = url;
      this.protocols = protocols;
      sockets.push(this);
    }
  }
  return { WebSocket, sockets };
}

/** Puts `value` in the place of a global while `run` does its work; undefined takes it away. */
export async function withGlobal(name: string, value: unknown, run: () => void | Promise<void>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  try {
    await run();
  } finally {
    if (before === undefined) delete (globalThis as Record<string, unknown>)[name];
    else Object.defineProperty(globalThis, name, before);
  }
}
