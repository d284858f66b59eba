/** A program that may not read the environment any more: connects without a proxy, then asks for the environment's. */

import { Client, Listener } from "../../mod.ts";

interface Permissions {
  readonly permissions: { revoke(what: { readonly name: "env" }): Promise<unknown> };
}

await (globalThis as unknown as { Deno: Permissions }).Deno.permissions.revoke({ name: "env" });
const listener = new Listener(0, { host: "127.0.0.1" });
listener.attach("/", { get: () => ({ onMessage: (_caller, message) => message }) });
await listener.start();

const client = await Client.connect(listener.url);
await client.writeTextMessage("it went without");
console.log(await client.readTextMessage());
await client.close();
try {
  new Client(listener.url, { proxy: "environment" });
} catch (error) {
  const { name, message } = error as Error;
  console.log(`${name}: ${message}`);
}
await listener.gracefulStop();
