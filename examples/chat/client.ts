/**
 * The chat in a terminal: what you type is said, what others say is printed, `exit` leaves. It talks through pipes just
 * as well:
 *
 *     node --import tsx examples/chat/client.ts ada
 *     printf 'hello\nexit\n' | node --import tsx examples/chat/client.ts ben ws://127.0.0.1:9090
 */

import type { Client } from "../../mod.ts";
import { runClient } from "../support/run_client.ts";
import type { Terminal } from "../support/terminal.ts";

async function hear(client: Client, terminal: Terminal): Promise<void> {
  try {
    for await (const message of client) terminal.print(String(message));
  } finally {
    terminal.close();
  }
}

async function speak(client: Client, terminal: Terminal, leave: () => void): Promise<void> {
  for (let line; (line = await terminal.line()) !== undefined && line.trim() !== "exit";) {
    if (line.trim() === "") continue;
    const said = client.writeTextMessage(line).catch(({ message }) => terminal.print(`Nobody heard that: ${message}`));
    // A slow server slows a pipe down. Without one the line waits, and the next may be "exit".
    if (client.isOpen()) await said;
  }
  leave();
}

await runClient("/chat/", 9090, (client, terminal, leave) => {
  return Promise.all([hear(client, terminal), speak(client, terminal, leave)]);
});
