import { describe, expect, it } from "vitest";
import { ControlHandlers } from "../../src/client/control_handlers.ts";

function start() {
  const reported: unknown[] = [];
  const answers: unknown[] = [];
  const handlers = new ControlHandlers((error) => reported.push(error));
  return { reported, answers, handlers, answer: (bytes: unknown) => void answers.push(bytes) };
}

describe("ControlHandlers (P1)", () => {
  it("answers with what the handler gives, at once or when it comes", async () => {
    const { answers, handlers, answer } = start();
    handlers.ping(() => new Uint8Array([1]), answer);
    expect(answers).toEqual([new Uint8Array([1])]);
    handlers.ping(() => Promise.resolve(new Uint8Array([2])), answer);
    handlers.ping(() => {}, answer);
    handlers.ping(() => Promise.resolve(undefined), answer);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([new Uint8Array([1]), new Uint8Array([2])]);
  });

  it("passes over pings while 16 are in hand", async () => {
    const { answers, handlers, answer } = start();
    const slow: ((bytes: Uint8Array) => void)[] = [];
    for (let i = 0; i < 20; i++) handlers.ping(() => new Promise((resolve) => slow.push(resolve)), answer);
    expect(slow).toHaveLength(16);
    slow[0]!(new Uint8Array([1]));
    await new Promise((resolve) => setImmediate(resolve));
    handlers.ping(() => new Promise((resolve) => slow.push(resolve)), answer);
    expect([slow.length, answers.length]).toEqual([17, 1]);
  });

  it("reports every failure, and throws none", async () => {
    const { reported, handlers, answer } = start();
    const fail = (text: string) => () => {
      throw new Error(text);
    };
    handlers.ping(fail("1"), answer);
    handlers.ping(() => new Uint8Array(1), fail("2"));
    handlers.ping(() => Promise.reject(new Error("3")), answer);
    handlers.ping(() => Promise.resolve(new Uint8Array(1)), fail("4"));
    handlers.call(fail("5"));
    handlers.call(() => Promise.reject(new Error("6")));
    await new Promise((resolve) => setImmediate(resolve));
    expect(reported.map((error) => (error as Error).message).sort()).toEqual(["1", "2", "3", "4", "5", "6"]);
  });
});
