/** Seconds that the environment sets. */

import process from "node:process";

/**
 * Those of the variable `name`, or else `otherwise`.
 *
 * @throws {RangeError} when they are no number above 0
 */
export function secondsOf(name: string, otherwise: number): number {
  const seconds = Number(process.env[name] ?? otherwise);
  if (seconds > 0 && seconds < Infinity) return seconds;
  throw new RangeError(`${name} is a number of seconds above 0, not "${process.env[name]}"`);
}
