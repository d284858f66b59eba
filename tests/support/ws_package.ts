/** The `ws` package itself, by its path: by its name, Bun hands out something of its own. */

import type * as Ws from "ws";

const PATH = new URL("../../node_modules/ws/wrapper.mjs", import.meta.url).href;
const ws = await import(/* @vite-ignore */ PATH) as typeof Ws;

export const WebSocket: typeof Ws.WebSocket = ws.WebSocket;
export const WebSocketServer: typeof Ws.WebSocketServer = ws.WebSocketServer;
