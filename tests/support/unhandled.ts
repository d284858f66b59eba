/** What nobody caught, in the process of the tests. */

import process from "node:process";
import { afterEach, beforeEach, expect } from "vitest";

/**
 * Holds each test of a file to it that no rejection goes unhandled, and no exception uncaught, until everything is closed.
 * To be called once at the top of the file, before `onSockets`: what closes behind a test does so in the opposite order.
 */
export function nothingUnhandled(): void {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  beforeEach(() => {
    process.on("unhandledRejection", note).on("uncaughtException", note);
  });
  afterEach(async () => {
    // It is told of when the turn is over that it happened in.
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note).off("uncaughtException", note);
    expect(unhandled.splice(0)).toEqual([]);
  });
}
