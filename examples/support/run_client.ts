/** How a client program lives: it asks who you are, connects, again when it has to, and says what becomes of that. */

import process from "node:process";
import { Client, type ConnectionClosureError, InvalidHandshakeError } from "../../mod.ts";
import { Terminal } from "./terminal.ts";

/** A server that is gone without a word is noticed within their sum, in seconds. */
const ALIVE = { pingInterval: 10, pongTimeout: 10 };

/**
 * Connects to `path` and your name behind it, and talks until the connection is closed; `leave` closes it, and so do
 * SIGINT and SIGTERM. The first argument is the name, or else it is asked for; the second is where the server is, or else
 * it is on this machine, on `PORT`, or else on `port`.
 */
export async function runClient(
  path: string,
  port: number,
  talk: (client: Client, terminal: Terminal, leave: () => void) => Promise<unknown>,
): Promise<void> {
  const terminal = new Terminal();
  let isLeaving = false;
  try {
    const name = process.argv[2] ?? await terminal.ask("Your name: ");
    if (name === "") throw new Error("A name is needed");
    const server = process.argv[3] ?? `ws://127.0.0.1:${process.env["PORT"] ?? port}`;
    const client = connect(`${server}${path}${encodeURIComponent(name)}`, terminal);
    const leave = (): void => {
      isLeaving = true;
      void client.close();
    };
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, leave);
    await client.opened;
    await talk(client, terminal, leave);
    const { code, reason, first } = await client.close();
    if (first === "remote") terminal.print(`The server closed with ${code} "${reason}"`);
  } catch (error) {
    // Who leaves while the connection is lost need not hear again that it is.
    if (isLeaving) return;
    terminal.print(await reasonOf(error));
    process.exitCode = 1;
  } finally {
    terminal.close();
  }
}

/** A connection that is lost is made anew, for as long as it takes. The first one is not: its address may be wrong. */
function connect(url: string, terminal: Terminal): Client {
  let state: "new" | "open" | "lost" = "new";
  const client = new Client(url, {
    ...ALIVE,
    retryConfig: {
      interval: 0.2,
      maxWaitInterval: 2,
      retryOn(error, byDefault) {
        if (state === "new" || !(byDefault || isTaken(error))) return false;
        if (state === "open") terminal.print("The connection is lost: trying again until it is back");
        state = "lost";
        return true;
      },
      onReconnect() {
        terminal.print("Connected again");
        state = "open";
      },
    },
  });
  client.opened.then(() => state = "open", () => {}); // That there is none is told by runClient.
  return client;
}

/** The server may not have missed us yet, and takes us for another one of our name. */
function isTaken({ closure: { error } }: ConnectionClosureError): boolean {
  return error instanceof InvalidHandshakeError && error.status === 409;
}

/** A server that refuses says why in the body of its answer. */
async function reasonOf(error: unknown): Promise<string> {
  if (error instanceof InvalidHandshakeError) return await error.body() || error.message;
  return error instanceof Error ? error.message : String(error);
}
