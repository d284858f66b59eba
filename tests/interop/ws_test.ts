/** ws (https://github.com/websockets/ws), in a process of Node. */

import { converseWith } from "./support/conversation.ts";
import { PeerProcess } from "./support/peer_process.ts";

const common = { sendsFragments: true, plainClose: 1005 } as const;
converseWith("ws", { ...common, role: "client", start: () => new PeerProcess("ws.ts", "client"), deflate: "writes" });
// Its servers compress only if they are told to.
converseWith("ws", { ...common, role: "server", start: () => new PeerProcess("ws.ts", "server"), deflate: "no" });
converseWith("ws, deflating", {
  ...common,
  role: "server",
  start: () => new PeerProcess("ws.ts", "deflating-server"),
  deflate: "writes",
});
