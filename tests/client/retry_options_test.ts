import { describe, expect, it } from "vitest";
import { checkRetry } from "../../src/client/retry_options.ts";

describe("checkRetry (C9)", () => {
  it("is off by default, and has the documented defaults", () => {
    expect(checkRetry(undefined)).toBeUndefined();
    expect(checkRetry({})).toEqual({
      maxCount: Infinity,
      intervalMs: 1_000,
      backOffFactor: 2,
      maxWaitMs: 30_000,
      jitter: true,
      minUptimeMs: 5_000,
      outboxBytes: 1_048_576,
      retryOn: undefined,
      onReconnect: undefined,
    });
  });

  it("takes every field, fractions of seconds too", () => {
    const settings = checkRetry({
      maxCount: 3,
      interval: 0.25,
      backOffFactor: 1,
      maxWaitInterval: 0,
      jitter: false,
      minUptime: 0.5,
      outbox: 0,
    });
    expect(settings).toMatchObject({
      maxCount: 3,
      intervalMs: 250,
      backOffFactor: 1,
      maxWaitMs: 0,
      jitter: false,
      minUptimeMs: 500,
      outboxBytes: 0,
    });
  });

  it("calls its functions on the object that has them", () => {
    class Policy {
      readonly own = 7;
      retryOn(): boolean {
        return this.own === 7;
      }
      onReconnect(): void {
        expect(this.own).toBe(7);
      }
    }
    const { retryOn, onReconnect } = checkRetry(new Policy()) as unknown as Policy;
    expect(retryOn()).toBe(true);
    onReconnect();
  });

  it.each<[unknown, string]>([
    [true, '"retryConfig": it is not an object'],
    [null, '"retryConfig": it is not an object'],
    [[], '"retryConfig": it is not an object'],
    [{ count: 3 }, '"retryConfig.count": there is none of that name, the nearest is "maxCount"'],
    [{ maxCount: "3" }, '"retryConfig.maxCount": it is not a number'],
    [{ interval: "1" }, '"retryConfig.interval": it is not a number of seconds'],
    [{ backOffFactor: "2" }, '"retryConfig.backOffFactor": it is not a number'],
    [{ maxWaitInterval: "30" }, '"retryConfig.maxWaitInterval": it is not a number of seconds'],
    [{ jitter: 1 }, '"retryConfig.jitter": it is not a boolean'],
    [{ minUptime: "5" }, '"retryConfig.minUptime": it is not a number of seconds'],
    [{ outbox: "big" }, '"retryConfig.outbox": it is not a number'],
    [{ retryOn: true }, '"retryConfig.retryOn": it is not a function'],
    [{ onReconnect: {} }, '"retryConfig.onReconnect": it is not a function'],
  ])("refuses %j by name", (config, sentence) => {
    expect(() => checkRetry(config)).toThrow(new TypeError(`Cannot use the option ${sentence}`));
  });

  it.each<[object, string]>([
    [{ maxCount: -1 }, '"retryConfig.maxCount": -1 is not'],
    [{ maxCount: 1.5 }, '"retryConfig.maxCount": 1.5 is not an integer'],
    [{ interval: -1 }, '"retryConfig.interval": -1 is not'],
    [{ interval: Infinity }, '"retryConfig.interval": Infinity is not'],
    [{ backOffFactor: 0.5 }, '"retryConfig.backOffFactor": 0.5 is not a number of at least 1'],
    [{ backOffFactor: NaN }, '"retryConfig.backOffFactor": NaN is not'],
    [{ backOffFactor: Infinity }, '"retryConfig.backOffFactor": Infinity is not'],
    [{ maxWaitInterval: 2_147_484 }, '"retryConfig.maxWaitInterval": 2147484 is not from 0 to 2147483 seconds'],
    [{ minUptime: -1 }, '"retryConfig.minUptime": -1 is not'],
    [{ outbox: -1 }, '"retryConfig.outbox": -1 is not'],
  ])("refuses %j as out of range", (config, sentence) => {
    expect(() => checkRetry(config)).toThrow(RangeError);
    expect(() => checkRetry(config)).toThrow(`Cannot use the option ${sentence}`);
  });
});
