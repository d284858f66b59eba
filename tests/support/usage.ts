/** What the process of whoever asks has of the machine. */

import { readFileSync } from "node:fs";
import process from "node:process";

export interface Usage {
  /** Memory in bytes. */
  readonly resident: number;
  /** Bytes of buffers, also those that nobody has touched yet: these are not resident. */
  readonly claimed: number;
  /** How long its main thread could have gone on, and others had the processor, in milliseconds since it began. */
  readonly waited: number;
}

export function usageNow(): Usage {
  // Of the three runtimes only Node tells `arrayBuffers`; all count them in `external`.
  const { rss, external } = process.memoryUsage();
  return { resident: rss, claimed: external, waited: waitedNow() };
}

/** `Usage.waited` alone. Only Linux tells; 0 elsewhere. */
export function waitedNow(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1_000_000;
  } catch {
    return 0;
  }
}

/** The milliseconds of the processor that the process has had, whoever else wanted it meanwhile. */
export function busyNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
