/** Who hears of an error that no service took (design: nothing is swallowed, and nothing ends the process). */

import type { Caller } from "./caller.ts";
import type { Errors } from "./dispatcher.ts";
import type { ListenerErrorHandler } from "./options.ts";
import { isThenable } from "./reply.ts";

/** Where errors go: neither of the two ever throws, or leaves a rejection behind. */
export interface Reporter extends Errors {
  /** To `onError`, else to the person who runs the process. */
  report(error: unknown, caller?: Caller): void;
}

/** @param fallback tells the person who runs the process; must not throw */
export function reporterOf(onError: ListenerErrorHandler | undefined, fallback: (error: unknown) => void): Reporter {
  if (onError === undefined) return { report: (error) => fallback(error), notice() {} };
  const report = (error: unknown, caller?: Caller): void => {
    try {
      const returned: unknown = caller === undefined ? onError(error) : onError(error, caller);
      if (isThenable(returned)) Promise.resolve(returned).catch(fallback);
    } catch (failure) {
      fallback(failure);
    }
  };
  return { report, notice: report };
}
