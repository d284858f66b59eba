/**
 * Clients of ours in a program of its own: which authority it trusts is decided when its runtime starts. Goes to each of
 * `ATTEMPTS`, one after the other, and prints what came of them.
 */

import process from "node:process";
import { Client, type ClientConfiguration, type WebSocketError } from "../../mod.ts";

/** In JSON, a list of these. */
export interface Attempt {
  readonly url: string;
  readonly config?: ClientConfiguration;
}

/** What is printed of each, as a JSON list in the last line. */
export interface Outcome {
  readonly echo?: string;
  readonly length?: number;
  readonly code?: number;
  readonly clean?: boolean;
  readonly error?: string;
  readonly message?: string;
}

const MEBIBYTE = 1_048_576;

async function attempt({ url, config }: Attempt): Promise<Outcome> {
  try {
    const client = await Client.connect(url, config);
    await client.writeTextMessage("over TLS, I hope");
    await client.writeBinaryMessage(new Uint8Array(MEBIBYTE));
    const echo = await client.readTextMessage();
    const { length } = await client.readBinaryMessage();
    const { code, clean } = await client.close();
    return { echo, length, code, clean };
  } catch (error) {
    const { name, message } = error as WebSocketError;
    return { error: name, message };
  }
}

const outcomes: Outcome[] = [];
for (const each of JSON.parse(process.env["ATTEMPTS"]!) as Attempt[]) outcomes.push(await attempt(each));
console.log(JSON.stringify(outcomes));
