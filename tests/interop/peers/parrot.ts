/**
 * What every peer does, in whatever language: it sends back each message as it came, but for three texts that tell it
 * to do something by itself. What happens is told on stdout, a line of JSON each, and stdin says when to go.
 *
 * - `!fragments`: sends a text and a binary message, each in several frames
 * - `!close`: closes without a code; `!close 4001 some words`: closes with that code and reason
 */

import process from "node:process";
import { createInterface } from "node:readline";

export const TEXT_FRAGMENTS: readonly string[] = ["one message, ", "", "mögliche ", "in fragments"];
export const BINARY_FRAGMENTS: readonly Uint8Array[] = [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(0, 255)];

/** One connection, as its library lets us use it. */
export interface Wire {
  send(message: string | Uint8Array): void;
  /** Sends one message in these frames; undefined when the library cannot. */
  readonly fragments?: (parts: readonly (string | Uint8Array)[]) => void;
  close(code?: number, reason?: string): void;
}

/** Does what `message` asks for. */
export function answer(wire: Wire, message: string | Uint8Array): void {
  const [command, code, ...words] = typeof message === "string" ? message.split(" ") : [];
  if (command === "!fragments") {
    wire.fragments?.(TEXT_FRAGMENTS);
    wire.fragments?.(BINARY_FRAGMENTS);
  } else if (command !== "!close") {
    wire.send(message);
  } else if (code === undefined) {
    wire.close();
  } else {
    wire.close(Number(code), words.join(" "));
  }
}

let connections = 0;

/** Tells that a connection is open. Returns what tells how it ended. */
export function opened(extensions: string): (code: number, reason: string) => void {
  const id = ++connections;
  tell({ id, opened: { extensions } });
  return (code, reason) => tell({ id, closed: { code, reason } });
}

export function tell(fact: unknown): void {
  process.stdout.write(`${JSON.stringify(fact)}\n`);
}

/** Hands over each line that comes. Ends the process when no more can come. */
export function hear(onLine: (line: string) => void = () => {}): void {
  createInterface(process.stdin).on("line", onLine).on("close", () => process.exit(0));
}
