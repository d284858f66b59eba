/** `instanceof` for values of somebody else's, which may be anything. Knows no class. */

/** Whether `value` is a `type`. False of a proxy that does not tell its prototype: `instanceof` throws there. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}
