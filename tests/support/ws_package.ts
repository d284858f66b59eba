/** The `ws` package itself, by its path: by its name, Bun hands out something of its own. */

import type * as Ws from "ws";

const PATH = new URL("../../node_modules/ws/wrapper.mjs", import.meta.url).href;
const ws = await import(/* @vite-ignore */ PATH) as typeof Ws;

export const WebSocket: typeof Ws.WebSocket = ws.WebSocket;
export const WebSocketServer: typeof Ws.WebSocketServer = ws.WebSocketServer;

/** What of its insides it hands out, and no type declares. */
interface WsInsides {
  readonly Receiver: new (options: object) => NodeJS.WritableStream & { readonly destroyed: boolean };
  readonly Sender: new (socket: object, extensions: object, makeKey?: (mask: Uint8Array) => void) => WsSender;
  readonly PerMessageDeflate: new (options: object) => WsDeflate;
  readonly extension: { parse(header: string): Record<string, Record<string, (string | true)[]>[]> };
}
export interface WsDeflate {
  params: object | null;
  /** @throws {Error} when none of them can be */
  accept(configurations: object[]): Record<string, number | boolean>;
  cleanup(): void;
}
export interface WsSender {
  send(data: Uint8Array | string, options: object, done: () => void): void;
}

export const { Receiver, Sender, PerMessageDeflate, extension } = ws as unknown as WsInsides;
