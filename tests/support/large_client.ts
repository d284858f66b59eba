/** A client that sends a large message, reads it while it comes back, and prints what both ends found. Run by a test. */

import process from "node:process";
import { Client } from "../../mod.ts";
import { LargeCheck, largeMessage } from "./large_message.ts";

const client = await Client.connect(process.env["SERVER"]!, { messageStreams: true });
const written = client.writeMessage(largeMessage());
const message = await client.readMessageStream();
if (message.kind === "text") throw new TypeError("Not text");
const check = new LargeCheck();
// Each is done with once it was looked at.
for await (const _part of check.through(message));
await written;
const server: unknown = JSON.parse(await client.readTextMessage());
await client.close();
process.stdout.write(`${JSON.stringify({ client: check.report, server })}\n`);
