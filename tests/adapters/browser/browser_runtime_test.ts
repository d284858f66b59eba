import { describe, expect, it } from "vitest";
import { browserRuntime } from "../../../src/adapters/browser/browser_runtime.ts";
import { UnsupportedError } from "../../../src/errors.ts";
import { withGlobal } from "../../support/fake_web_socket.ts";

describe("a page's plan (C13)", () => {
  it.each([
    ["ws://example.com", "ws://example.com/", false],
    ["http://example.com:8080/a?b=1", "http://example.com:8080/a?b=1", false],
    ["wss://example.com/", "wss://example.com/", true],
    ["https://example.com/", "https://example.com/", true],
  ])("of %s goes to %s", (url, href, secure) => {
    const plan = browserRuntime.plan(url);
    expect([plan.href, plan.secure]).toEqual([href, secure]);
    expect(browserRuntime.plan(new URL(url)).href).toBe(href);
  });

  it.each([
    ["nowhere", "is not a URL"],
    ["ftp://example.com", 'the scheme "ftp:" is not'],
    ["ws://example.com/#", "has a fragment"],
  ])("refuses %s", (url, sentence) => {
    expect(() => browserRuntime.plan(url)).toThrow(TypeError);
    expect(() => browserRuntime.plan(url)).toThrow(sentence);
  });

  it("refuses a password, and tells of no header that a page cannot send", () => {
    expect(() => browserRuntime.plan("ws://ada:secret@example.com/")).toThrow(
      /^Cannot connect: the URL has a user name or a password$/,
    );
  });

  it("refuses a Unix socket as what a page cannot have", () => {
    let error: unknown;
    try {
      browserRuntime.plan("ws+unix:/run/a.sock:/");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ feature: "ws+unix:", runtime: "browser" });
  });
});

it("reports to the page, or where there is none to the console", async () => {
  const reported: unknown[] = [];
  await withGlobal("reportError", (error: unknown) => reported.push(["page", error]), () => browserRuntime.report(1));
  const { console } = globalThis;
  const had = Object.getOwnPropertyDescriptor(globalThis, "reportError");
  delete (globalThis as { reportError?: unknown }).reportError;
  try {
    const spy = { ...console, error: (error: unknown) => reported.push(["console", error]) };
    await withGlobal("console", spy, () => browserRuntime.report(2));
  } finally {
    if (had !== undefined) Object.defineProperty(globalThis, "reportError", had);
  }
  expect(reported).toEqual([["page", 1], ["console", 2]]);
});

it("draws 16 random bytes for a name", () => {
  const bytes = new Uint8Array(16);
  browserRuntime.fillRandom(bytes);
  expect(bytes.some((byte) => byte !== 0)).toBe(true);
});
