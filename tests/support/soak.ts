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

export const SOAK: Amount = process.env["HAWSER_SOAK"] === "long" ? LONG : SHORT;
