import { describe, expect, it } from "vitest";
import { failureOf, isTransient, MAX_RETRY_AFTER_MS, retryAfterMs, retryWait } from "../../src/client/retry.ts";
import {
  AuthError,
  type Closure,
  ConnectionError,
  CorruptedFrameError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  PayloadTooLargeError,
  SslError,
  UnsupportedError,
} from "../../src/errors.ts";

const EXACT = { intervalMs: 1_000, backOffFactor: 2, maxWaitMs: 30_000, jitter: false };

/** Draws these bytes. */
const draw = (...bytes: number[]) => (into: Uint8Array): void => into.set(bytes);
const never = (): void => {
  throw new Error("Nothing is to be drawn");
};

function refusal(status: number, headers: Record<string, string> = {}): InvalidHandshakeError {
  const response = { status, headers: new Headers(headers), body: () => Promise.resolve("") };
  return new InvalidHandshakeError(`Refused with ${status}`, response);
}

describe("retryWait (C9)", () => {
  it.each([
    [1_000, 2, 30_000, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    [500, 1, 30_000, [500, 500, 500]],
    [100, 1.5, 400, [100, 150, 225, 337.5, 400]],
    [5_000, 2, 1_000, [1_000, 1_000]],
    [0, 2, 30_000, [0, 0, 0]],
    [1_000, 2, 0, [0, 0]],
  ])("from %d by %d to at most %d: exactly %j", (intervalMs, backOffFactor, maxWaitMs, expected) => {
    const settings = { intervalMs, backOffFactor, maxWaitMs, jitter: false };
    expect(expected.map((_, count) => retryWait(count, settings, 0, never))).toEqual(expected);
  });

  it.each([1_023, 1_024, 1_000_000, Number.MAX_SAFE_INTEGER])("is the longest wait after %d attempts", (count) => {
    expect(retryWait(count, EXACT, 0, never)).toBe(30_000);
    expect(retryWait(count, { ...EXACT, intervalMs: 0 }, 0, never)).toBe(0);
  });

  it.each<[number[], number]>([
    [[0, 0, 0, 0], 0],
    [[0xff, 0xff, 0xff, 0xff], 4_000],
    [[0x80, 0, 0, 0], 2_000],
    [[0x40, 0, 0, 0], 1_000],
  ])("with jitter draws %j, and waits %d of the 4 000 ms", (bytes, wait) => {
    expect(retryWait(2, { ...EXACT, jitter: true }, 0, draw(...bytes))).toBeCloseTo(wait, 3);
  });

  it("is at least as long as the server asked for, and with jitter not the same for all", () => {
    expect(retryWait(0, EXACT, 7_000, never)).toBe(7_000);
    expect(retryWait(4, EXACT, 7_000, never)).toBe(16_000);
    expect(retryWait(0, { ...EXACT, jitter: true }, 7_000, draw(0, 0, 0, 0))).toBe(7_000);
    expect(retryWait(0, { ...EXACT, jitter: true }, 7_000, draw(255, 255, 255, 255))).toBe(8_000);
  });

  it("is never longer than a timer can wait", () => {
    const longest = { ...EXACT, intervalMs: 2_147_483_000, maxWaitMs: 2_147_483_000, jitter: true };
    expect(retryWait(0, longest, MAX_RETRY_AFTER_MS, draw(255, 255, 255, 255))).toBe(2_147_483_000);
  });
});

describe("isTransient (C9)", () => {
  const lost = { code: 1006, reason: "", clean: false };
  const closedBy = (code: number, first: "local" | "remote"): Closure => {
    const frame = { code, reason: "" };
    return { ...frame, clean: true, received: frame, sent: frame, first };
  };

  it.each<[string, Closure]>([
    ["a loss", lost],
    ["a loss with its cause", { ...lost, error: new ConnectionError("reset") }],
    ["a refused connection", failureOf(new ConnectionError("ECONNREFUSED"))],
    ["a handshake that took too long", failureOf(new HandshakeTimedOutError("late"))],
    ...["ECONNRESET", "EPIPE", "ETIMEDOUT"].map((code): [string, Closure] => {
      const cause = Object.assign(new Error("lost"), { code });
      return [`${code} in the middle of TLS`, failureOf(new SslError("lost", { cause }))];
    }),
    ["credentials that may be had later", failureOf(new AuthError("down", { temporary: true }))],
    ["a close frame that was not answered in time", { ...closedBy(1012, "remote"), clean: false }],
    ...[1001, 1012, 1013].map((code): [string, Closure] => [`${code} of the peer`, closedBy(code, "remote")]),
    ...[429, 500, 502, 503, 504, 599].map((
      status,
    ): [string, Closure] => [`status ${status}`, failureOf(refusal(status))]),
  ])("%s is", (_, closure) => expect(isTransient(closure)).toBe(true));

  it.each<[string, Closure]>([
    ...[1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1011, 1014, 3000, 4000].map(
      (code): [string, Closure] => [`${code} of the peer`, closedBy(code, "remote")],
    ),
    ["1001 of ours", closedBy(1001, "local")],
    ["1001 of ours, not answered", { ...lost, sent: { code: 1001, reason: "idle timeout" }, first: "local" }],
    ["a broken rule", { ...closedBy(1002, "local"), error: new CorruptedFrameError("RSV", 1002, "§5.2") }],
    ["a message that is too large", { ...lost, code: 1009, error: new PayloadTooLargeError("large", 2, 1) }],
    ["credentials that are refused", failureOf(new AuthError("closed"))],
    ["a TLS failure", failureOf(new SslError("self signed"))],
    ["a TLS failure with its cause", failureOf(new SslError("expired", { cause: new Error("expired") }))],
    ["what cannot be had here", failureOf(new UnsupportedError("no WebSocket", "client", "browser"))],
    ...[0, 101, 200, 301, 400, 401, 403, 404, 426, 499, 600].map(
      (status): [string, Closure] => [`status ${status}`, failureOf(refusal(status))],
    ),
  ])("%s is not", (_, closure) => expect(isTransient(closure)).toBe(false));
});

describe("retryAfterMs (C9)", () => {
  const now = Date.UTC(2026, 0, 1);
  const after = (value: string, headers: Record<string, string> = {}, status = 503): number =>
    retryAfterMs(refusal(status, { "Retry-After": value, ...headers }), now);

  it.each([429, 503])("is what a %d asks for, in seconds", (status) => {
    expect(after("120", {}, status)).toBe(120_000);
    expect(after("0", {}, status)).toBe(0);
  });

  it.each([
    "Thu, 01 Jan 2026 00:01:30 GMT",
    "Thursday, 01-Jan-26 00:01:30 GMT",
    "Thu Jan  1 00:01:30 2026",
  ])("is what it asks for by the date %s", (date) => expect(after(date)).toBe(90_000));

  it("trusts the server's clock before ours", () => {
    const headers = { Date: "Thu, 01 Jan 2026 00:01:00 GMT" };
    expect(after("Thu, 01 Jan 2026 00:01:30 GMT", headers)).toBe(30_000);
    expect(after("Thu, 01 Jan 2026 00:01:30 GMT", { Date: "nonsense" })).toBe(90_000);
  });

  it.each(["3600", "3601", "9".repeat(400), "Fri, 01 Jan 2126 00:00:00 GMT"])("is an hour at most: %s", (value) => {
    expect(after(value)).toBe(MAX_RETRY_AFTER_MS);
  });

  it.each([
    "",
    "-5",
    "1.5",
    "soon",
    "5 minutes",
    "2026-01-01T00:01:30Z",
    "Mon, nonsense",
    "Wed, 31 Dec 2025 23:59:00 GMT",
  ])(
    "is nothing for %j",
    (value) => expect(after(value)).toBe(0),
  );

  it("is nothing for other answers and other errors", () => {
    for (const status of [301, 401, 500, 502]) expect(after("120", {}, status)).toBe(0);
    expect(retryAfterMs(refusal(503), now)).toBe(0);
    expect(retryAfterMs(new ConnectionError("reset"), now)).toBe(0);
    expect(retryAfterMs(undefined, now)).toBe(0);
  });
});

describe("failureOf", () => {
  it("is an unclean 1006 with the error, or with one around what is none of ours", () => {
    const error = new ConnectionError("reset");
    expect(failureOf(error)).toEqual({ code: 1006, reason: "", clean: false, error });
    expect(failureOf("enough").error).toMatchObject({ name: "ConnectionError", cause: "enough" });
  });
});
