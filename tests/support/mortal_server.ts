/** A server that a test ends and starts again on the same port, `PORT`: greets, and sends back what it gets. */

import process from "node:process";
import { Listener } from "../../mod.ts";

const host = process.env["HAWSER_HOST"] === "native" ? { native: "127.0.0.1" } : "127.0.0.1";
const listener = new Listener(Number(process.env["PORT"] ?? 0), { host });
listener.attach("/", { get: () => ({ onOpen: () => "hello", onMessage: (_caller, message) => message }) });
await listener.start();
console.log(`Listening on ${listener.url}`);
