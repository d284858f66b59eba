/** The border between the seconds of public options and the milliseconds below. Knows no option. */

/** Timers count milliseconds in 31 bits; a longer one would fire at once. */
export const MAX_SECONDS = 2_147_483;

/**
 * Seconds as milliseconds; undefined when `value` is not a number of seconds that a timer can wait, fractions allowed.
 */
export function toMillis(value: unknown): number | undefined {
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_SECONDS)) return undefined;
  return value * 1_000;
}

/**
 * The time to wait for a peer's close frame: 0 does not wait, −1 waits for ever.
 *
 * @throws {TypeError} naming `option`, when it is not a number
 * @throws {RangeError} naming `option`, when it is neither −1 nor from 0 to 2147483
 */
export function closeMillis(option: string, value: unknown): number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use the option "${option}": it is not a number of seconds`);
  }
  if (value === -1) return Infinity;
  const millis = toMillis(value);
  if (millis !== undefined) return millis;
  throw new RangeError(
    `Cannot use the option "${option}": ${value} is neither -1 nor from 0 to ${MAX_SECONDS} seconds`,
  );
}
