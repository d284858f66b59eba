/** How much the tests of endurance do: little in every run, and much by `npm run soak`, which sets `HAWSER_SOAK`. */

import process from "node:process";

interface Amount {
  /** Messages, each way, of all connections together. */
  readonly messages: number;
  /** Connections of one round that are held; of those so many vanish, are reset in the middle of a message, never read. */
  readonly connections: number;
  readonly silent: number;
  readonly reset: number;
  readonly deaf: number;
  /** The longest that a test may take, in milliseconds. */
  readonly timeout: number;
}

const SHORT: Amount = { messages: 50_000, connections: 500, silent: 50, reset: 50, deaf: 10, timeout: 60_000 };
const LONG: Amount = {
  messages: 1_000_000,
  connections: 10_000,
  silent: 1_000,
  reset: 1_000,
  deaf: 100,
  timeout: 1_200_000,
};

const IS_LONG = process.env["HAWSER_SOAK"] === "long";
export const SOAK: Amount = IS_LONG ? LONG : SHORT;

/** Prints what a long run saw, one line for each thing. */
export function tell(...lines: readonly string[]): void {
  if (IS_LONG) console.log(lines.join("\n"));
}

/** Since `start`, a time of `performance.now()`. */
export function secondsSince(start: number): string {
  return `${((performance.now() - start) / 1_000).toFixed(1)} s`;
}
