import { describe, expect, it } from "vitest";
import * as z from "zod";
import * as v from "valibot";
import { bytes, json } from "../../src/binding/binder.ts";
import { bind, dispatch } from "../../src/service/bind.ts";
import { closeFrame } from "../../src/service/close_frame.ts";
import type { UpgradeServiceOptions } from "../../src/service/options.ts";
import type { Service } from "../../src/service/service.ts";
import { deferred, serve, type Served } from "./serve.ts";

const Tick = z.object({ event: z.string(), n: z.number() });
const NUMBER = bind(z.number(), (_caller, n) => n + 1);

function keyed(service: object, options: UpgradeServiceOptions = {}): Served {
  return serve(service as Service, { dispatcherKey: "event", ...options });
}

describe("D1: to its handler", () => {
  it("with the caller, the parsed message and a context, as a method", () => {
    const calls: unknown[] = [];
    const service = {
      name: "feed",
      onTick(...args: unknown[]) {
        calls.push(this.name, ...args);
        return { ok: true };
      },
    };
    const { receive, socket, caller } = keyed(service);
    receive('{"event":"tick","n":1}');
    expect(calls).toEqual(["feed", caller, { event: "tick", n: 1 }, expect.anything()]);
    expect(calls[3]).toMatchObject({ id: undefined, signal: caller.signal });
    expect(socket.sent).toEqual(['{"ok":true}']);
  });

  it("in order, one at a time, each answer sent before the next", async () => {
    const first = deferred<string>();
    const log: string[] = [];
    const { receive, socket, clock } = keyed({
      onSlow: () => (log.push("slow"), first.promise),
      onFast: () => (log.push("fast"), "fast"),
    });
    receive('{"event":"slow"}', '{"event":"fast"}', '{"event":"fast"}');
    await clock.settle();
    expect(log).toEqual(["slow"]);
    first.resolve("slow");
    await clock.settle();
    expect(socket.sent).toEqual(["slow", "fast", "fast"]);
  });

  it("a returned stream holds back what follows", async () => {
    const next = deferred();
    const { receive, socket, clock } = keyed({
      async *onList() {
        yield 1;
        await next.promise;
        yield 2;
      },
      onFast: () => "fast",
    });
    receive('{"event":"list"}', '{"event":"fast"}');
    await clock.settle();
    expect(socket.sent).toEqual(["1"]);
    next.resolve();
    await clock.settle();
    expect(socket.sent).toEqual(["1", "2", "fast"]);
  });

  it("D4: else to onMessage or onTextMessage as it came, else it is counted", () => {
    const messages: unknown[] = [];
    const fallback = keyed({ onTick() {}, onMessage: (...args: unknown[]) => void messages.push(...args.slice(1)) });
    const binary = Uint8Array.of(1);
    fallback.receive("hi", '{"event":"none"}', binary);
    expect(messages).toEqual(["hi", '{"event":"none"}', binary]);
    expect(fallback.tally.unhandled).toBe(0);
    const { receive, tally, socket } = keyed({ onTick: () => "tick" });
    receive("hi", '{"event":"none"}', binary, '{"event":"tick"}');
    expect(tally.unhandled).toBe(3);
    expect(socket.sent).toEqual(["tick"]);
  });

  it("a failure is the connection's, as everywhere", async () => {
    for (const fail of [() => Promise.reject(new Error("bug")), () => new Error("bug")]) {
      const heard: unknown[] = [];
      const { receive, socket, clock } = keyed({ onTick: fail, onTickError: none, onError: heard.push.bind(heard) });
      receive('{"event":"tick"}');
      await clock.settle();
      expect(heard[1]).toMatchObject({ message: "bug" });
      expect(socket.calls.at(-1)).toBe("close 1011 internal error");
    }
  });
});

const none = (): void => {};

describe("D4: what cannot be bound", () => {
  const refused = (what: string): unknown =>
    expect.objectContaining({ name: "PayloadBindingError", message: expect.stringContaining(what) });

  it("goes to onXxxError, whose answer is sent, and the connection lives on", async () => {
    const heard: unknown[] = [];
    const { receive, socket, clock, errors } = keyed({
      onTick: bind(Tick, (_caller, { n }) => n),
      onTickError(this: unknown, ...args: unknown[]) {
        heard.push(...args.slice(1));
        return { error: "no" };
      },
      onError: () => heard.push("onError"),
    });
    receive('{"event":"tick","n":"1"}', '{"event":"tick","n":1}');
    await clock.settle();
    expect(heard).toEqual([refused('"n"')]);
    expect(socket.calls).toEqual(['send {"error":"no"}', "send 1"]);
    expect(errors).toEqual([]);
  });

  it("of a mapping, to the one of the member's name", () => {
    const { receive, socket } = keyed({ sub: dispatch("subscribe", Tick, none), subError: () => "no" });
    receive('{"event":"subscribe"}');
    expect(socket.calls).toEqual(["send no"]);
  });

  it("a close frame closes; a promise is waited for, and holds back what follows", async () => {
    const wait = deferred<unknown>();
    const { receive, socket, clock, tally } = keyed({
      onTick: bind(Tick, () => "tick"),
      onTickError: () => wait.promise,
    });
    receive('{"event":"tick"}', '{"event":"tick","n":1}');
    await clock.settle();
    expect(socket.calls).toEqual([]);
    wait.resolve(closeFrame(4000, "bad"));
    await clock.settle();
    expect(socket.calls).toEqual(["close 4000 bad"]);
    expect(tally.dropped).toBe(1);
  });

  it("without it, to onError", async () => {
    for (const answer of ["no", Promise.resolve("no")]) {
      const heard: unknown[] = [];
      const { receive, socket, clock } = keyed({
        onTick: bind(Tick, () => "tick"),
        onError(...args: unknown[]) {
          heard.push(args[1]);
          return answer;
        },
      });
      receive('{"event":"tick"}', '{"event":"tick","n":1}');
      await clock.settle();
      expect(heard).toEqual([refused('"n"')]);
      expect(socket.sent.toSorted()).toEqual(["no", "tick"]);
      expect(socket.calls).not.toContain("close");
    }
  });

  it("an onError that took time leaves everything in order", async () => {
    const log: string[] = [];
    const { receive, clock } = keyed({
      onTick: bind(Tick, () => {}),
      onWait: () => (log.push("wait"), new Promise(() => {})),
      onError: () => Promise.resolve(),
    });
    receive('{"event":"tick"}', '{"event":"wait"}', '{"event":"wait"}');
    await clock.settle();
    expect(log).toEqual(["wait"]);
  });

  it("without either, the connection is closed with 1003 and a bounded reason", () => {
    const { receive, socket, errors } = keyed({ onTick: bind(Tick, none) });
    receive(`{"event":"tick"}`, '{"event":"tick","n":1}');
    const [call] = socket.calls;
    expect(call).toMatch(/^close 1003 data binding failed: Cannot bind the message: /);
    expect(call!.length).toBeLessThanOrEqual("close 1003 ".length + 123);
    expect(socket.calls).toHaveLength(1);
    expect(errors).toEqual([expect.stringMatching(/^notice: PayloadBindingError/)]);
  });

  it("a failure of onXxxError is a handler's failure, one of onError closes", async () => {
    const boom = (): never => {
      throw new Error("boom");
    };
    const heard: unknown[] = [];
    const own = keyed({
      onTick: bind(Tick, none),
      onTickError: boom,
      onError: (_: unknown, e: unknown) => void heard.push(e),
    });
    own.receive('{"event":"tick"}');
    expect(heard).toEqual([expect.objectContaining({ message: "boom" })]);
    expect(own.socket.calls).toEqual(["close 1011 internal error"]);
    for (const onError of [boom, () => Promise.reject(new Error("boom"))]) {
      const all = keyed({ onTick: bind(Tick, none), onError });
      all.receive('{"event":"tick"}');
      await all.clock.settle();
      expect(all.errors).toEqual(["report: Error: boom"]);
      expect(all.socket.calls).toEqual(["close 1011 internal error"]);
    }
  });

  it("what the schema throws by itself is a failure of code", async () => {
    const broken = z.unknown().refine(() => {
      throw new Error("a bug");
    });
    const { receive, socket, clock, errors } = keyed({ onTick: bind(broken, none), onTickError: () => "no" });
    receive('{"event":"tick"}');
    await clock.settle();
    expect(errors).toEqual(["report: Error: a bug"]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
  });

  it("the same for what is told later", async () => {
    const late = v.objectAsync({ n: v.pipeAsync(v.number(), v.checkAsync((n) => Promise.resolve(n > 1))) });
    const { receive, socket, clock } = keyed({ onTick: bind(late, (_caller, { n }) => n), onTickError: () => "no" });
    receive('{"event":"tick","n":1}', '{"event":"tick","n":2}');
    await clock.settle();
    expect(socket.sent).toEqual(["no", "2"]);
  });
});

describe("U10: validation", () => {
  const Small = z.object({ event: z.string(), n: z.number().max(10) });
  const service = {
    onTick: bind(Small, (_caller, { n }) => n),
    sub: dispatch("subscribe", json(Small), (_caller, { n }) => n),
    onMessage: bind(z.string().max(2), (_caller, value) => value),
    onError: (_caller: unknown, error: Error) => error.name,
  };
  const messages = ['{"event":"tick","n":11}', '{"event":"subscribe","n":12}', '"abc"', '{"event":"tick","n":"1"}'];

  it("refuses what only constraints refuse, as such, by default", () => {
    const { receive, socket } = keyed(service);
    receive(...messages);
    expect(socket.sent).toEqual([...Array(3).fill("PayloadValidationError"), "PayloadBindingError"]);
  });

  it("takes it when it is off, in lines too", () => {
    for (const more of [{}, { dispatcherStreamId: "id" }]) {
      const { receive, socket } = keyed(service, { validation: false, ...more });
      receive(...messages);
      expect(socket.sent).toEqual(["11", "12", "abc", "PayloadBindingError"]);
    }
  });
});

describe("B1: bound handlers that every service may have", () => {
  it("onMessage, without any option", async () => {
    const { receive, socket, clock } = serve({ onMessage: NUMBER, onMessageError: () => "no" } as Service);
    receive("1", "x", new TextEncoder().encode("2"), Uint8Array.of(0xff));
    await clock.settle();
    expect(socket.sent).toEqual(["2", "no", "3", "no"]);
  });

  it("onTextMessage and onBinaryMessage have error handlers of their own", () => {
    const { receive, socket } = serve({
      onTextMessage: NUMBER,
      onTextMessageError: () => "no text",
      onBinaryMessage: bind(bytes, (_caller, data) => data.length),
    } as Service);
    receive("x", Uint8Array.of(1, 2));
    expect(socket.sent).toEqual(["no text", "2"]);
    const other = serve({ onBinaryMessage: NUMBER, onBinaryMessageError: () => "no binary" } as Service);
    other.receive("x", Uint8Array.of(1, 2));
    expect(other.socket.sent).toEqual(["no binary"]);
    expect(other.tally.unhandled).toBe(1);
  });

  it("as the one that takes the rest, with JSON that is parsed once", () => {
    const values: unknown[] = [];
    const { receive } = keyed({ onTick: none, onMessage: bind(json, (_caller, value) => void values.push(value)) });
    receive('{"event":"none"}', "5");
    expect(values).toEqual([{ event: "none" }, 5]);
  });
});
