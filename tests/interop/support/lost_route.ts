/**
 * A client that reconnects, and its server, in a network of their own that is switched off under them: every packet is
 * dropped without a word. Prints as JSON what the client noticed. To be run where `ip` may change the network.
 */

import { execFileSync } from "node:child_process";
import { Client, Listener, type ReconnectInfo } from "../../../mod.ts";

function network(state: "up" | "down"): void {
  execFileSync("ip", ["link", "set", "lo", state]);
}

network("up");
const listener = new Listener(0, { host: "127.0.0.1" });
listener.attach("/", {
  pingInterval: 0,
  get: () => ({ onOpen: () => "hello", onMessage: (_caller, message) => message }),
});
await listener.start();

const failures: string[] = [];
const infos: ReconnectInfo[] = [];
const client = await Client.connect(listener.url, {
  pingInterval: 0.1,
  pongTimeout: 1,
  handshakeTimeout: 1,
  retryConfig: {
    interval: 0.02,
    jitter: false,
    retryOn({ closure }, byDefault) {
      failures.push(`${closure.error?.name}: ${closure.error?.message}`);
      if (failures.length === 2) network("up");
      return byDefault;
    },
    onReconnect: (_client, info) => void infos.push(info),
  },
});
const seen = [await client.readMessage()];
network("down");
// Handed to the operating system, and gone with the route.
await client.writeTextMessage("lost");
seen.push(await client.readMessage());
await client.writeTextMessage("here again");
seen.push(await client.readMessage());
const { code } = await client.close();
console.log(JSON.stringify({ seen, failures, uncertain: infos.map(({ uncertain }) => uncertain.messages), code }));
await listener.immediateStop();
