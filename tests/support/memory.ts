/** What the process of whoever asks holds in memory. */

import process from "node:process";

/** Both are bytes. */
export interface Memory {
  readonly resident: number;
  /** Of buffers, also those that nobody has touched yet: these are not resident. */
  readonly claimed: number;
}

export function memoryNow(): Memory {
  // Of the three runtimes only Node tells `arrayBuffers`; all count them in `external`.
  const { rss, external } = process.memoryUsage();
  return { resident: rss, claimed: external };
}
