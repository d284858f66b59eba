/** Python's websockets (https://websockets.readthedocs.io) and wsproto (https://python-hyper.org), as Debian has them. */

import { converseWith } from "./support/conversation.ts";
import { PeerProcess } from "./support/peer_process.ts";

for (const role of ["client", "server"] as const) {
  converseWith("python websockets", {
    role,
    start: () => new PeerProcess("websockets_peer.py", role),
    need: "python:websockets",
    sendsFragments: true,
    deflate: "writes",
    plainClose: 1000,
  });
  converseWith("python wsproto", {
    role,
    start: () => new PeerProcess("wsproto_peer.py", role),
    need: "python:wsproto",
    sendsFragments: true,
    deflate: "writes",
    plainClose: 1005,
  });
}
