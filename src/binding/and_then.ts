/** Values that are there, or will be: what follows is done at once where it can be, and later where it has to be. */

/** A value, now or later. */
export type Eventual<T> = T | Promise<T>;

/** Hands `value` to `next`. */
export function andThen<T, U>(value: Eventual<T>, next: (value: T) => Eventual<U>): Eventual<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What `make` makes; if it fails, what `recover` makes of the failure. */
export function orElse<T>(make: () => Eventual<T>, recover: (error: unknown) => Eventual<T>): Eventual<T> {
  let value: Eventual<T>;
  try {
    value = make();
  } catch (error) {
    return recover(error);
  }
  return value instanceof Promise ? value.catch(recover) : value;
}
