import { describe, expect, it } from "vitest";
import type { Caller } from "../../src/service/caller.ts";
import type { ListenerErrorHandler } from "../../src/service/options.ts";
import { type Reporter, reporterOf } from "../../src/service/reporter.ts";
import { ManualClock } from "../support/manual_clock.ts";

const CALLER = {} as Caller;
const ERROR = new Error("broken");

function reporter(onError?: ListenerErrorHandler): { reporter: Reporter; fallback: unknown[] } {
  const fallback: unknown[] = [];
  return { reporter: reporterOf(onError, (error) => fallback.push(error)), fallback };
}

describe("with onError", () => {
  it("that hears of everything, with the connection if it was one", () => {
    const heard: unknown[][] = [];
    const { reporter: { report, notice }, fallback } = reporter((...args) => void heard.push(args));
    report(ERROR);
    report(ERROR, CALLER);
    notice(ERROR, CALLER);
    expect(heard).toEqual([[ERROR], [ERROR, CALLER], [ERROR, CALLER]]);
    expect(fallback).toEqual([]);
  });

  it("that fails, the person who runs the process hears of its failure", async () => {
    const failure = new Error("onError is broken");
    const throwing = reporter(() => {
      throw failure;
    });
    throwing.reporter.report(ERROR);
    throwing.reporter.notice(ERROR, CALLER);
    expect(throwing.fallback).toEqual([failure, failure]);

    const rejecting = reporter(() => Promise.reject(failure));
    rejecting.reporter.report(ERROR, CALLER);
    await new ManualClock().settle();
    expect(rejecting.fallback).toEqual([failure]);
  });

  it("that answers with something that only looks like a promise, nothing is left behind", async () => {
    const failure = new Error("onError is broken");
    const thenable = { then: (_resolve: unknown, reject: (error: unknown) => void) => reject(failure) };
    const { reporter: { report }, fallback } = reporter(() => thenable as unknown as void);
    report(ERROR);
    await new ManualClock().settle();
    expect(fallback).toEqual([failure]);
  });
});

describe("without onError", () => {
  it("failures of code go to the person who runs the process, those of peers to nobody", () => {
    const { reporter: { report, notice }, fallback } = reporter();
    report(ERROR);
    report(ERROR, CALLER);
    notice(new Error("the peer left"), CALLER);
    expect(fallback).toEqual([ERROR, ERROR]);
  });
});
