/** undici (https://undici.nodejs.org), which is the `WebSocket` of Node, in a process of Node. It never compresses what it sends. */

import { converseWith } from "./support/conversation.ts";
import { PeerProcess } from "./support/peer_process.ts";

const common = { role: "client", sendsFragments: false, deflate: "reads", plainClose: 1005 } as const;
converseWith("undici WebSocket", { ...common, start: () => new PeerProcess("undici.ts", "WebSocket") });
converseWith("undici WebSocketStream", { ...common, start: () => new PeerProcess("undici.ts", "WebSocketStream") });
