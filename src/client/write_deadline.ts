/** How long a write may wait for a slow peer (features C7). Knows no message. */

import { WriteTimedOutError } from "../errors.ts";
import { unheard } from "../streams/plain_endpoint.ts";
import type { Clock } from "../transport/clock.ts";

const DONE: Promise<void> = Promise.resolve();

/**
 * Settles as `room` does, at once where there is room already; rejects with a `WriteTimedOutError` when that takes longer than `writeMs`. Its rejection may go
 * unheard, as that of `room` may.
 */
export function inTime(room: Promise<void> | undefined, writeMs: number, clock: Clock): Promise<void> {
  if (room === undefined) return DONE;
  if (writeMs === Infinity) return room;
  return unheard(
    new Promise((resolve, reject) => {
      const cancel = clock.after(writeMs, () => {
        reject(new WriteTimedOutError(`Cannot send a message: the peer took none within ${writeMs / 1_000} s`));
      });
      room.then(resolve, reject).then(cancel);
    }),
  );
}
