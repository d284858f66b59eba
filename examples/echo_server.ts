/** An echo: sends back every message, text as text and bytes as bytes. `PORT` chooses the port. */

import process from "node:process";
import { Listener } from "../mod.ts";

const listener = new Listener(Number(process.env["PORT"] ?? 9090), { host: "127.0.0.1" });
listener.attach("/*", { get: () => ({ onMessage: (_caller, message) => message }) });
await listener.start();
console.log(`Echoing on ${listener.url}`);
