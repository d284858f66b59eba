/** The rows D1 to D5, S5 and B1 of the acceptance table, as a service sees them: which handler gets which message, as what. */

import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  bind,
  bytes,
  type Caller,
  closeFrame,
  dispatch,
  json,
  type MessageContext,
  PayloadBindingError,
  type Service,
  text,
  type UpgradeService,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { deviates, here } from "../support/host.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { listen, upgraded, answerTo } = onSockets();

const KEYED: UpgradeServiceOptions = { dispatcherKey: "event" };
const GRAPHQL: UpgradeServiceOptions = {
  dispatcherKey: "type",
  dispatcherStreamId: "id",
  dispatcherCancel: "complete",
  dispatcherComplete: "complete",
};

interface Dispatched {
  readonly peer: FramePeer;
  readonly port: number;
  readonly errors: unknown[];
  readonly stats: () => { readonly unhandled: number };
  /** Sends each value as JSON text, all in one packet. */
  send(...values: unknown[]): Promise<void>;
  /** The next so many messages: JSON parsed, other text as it is. */
  hear(count: number): Promise<unknown[]>;
}

async function serve(service: object, options: UpgradeServiceOptions = KEYED): Promise<Dispatched> {
  const errors: unknown[] = [];
  const listener = await listen(service as Service, options, { onError: (error) => errors.push(error) });
  const peer = await upgraded(listener.port);
  return {
    peer,
    port: listener.port,
    errors,
    stats: () => listener.stats(),
    send: (...values) => peer.send(...values.map((value) => ({ opcode: 1, payload: JSON.stringify(value) }))),
    hear: async (count) => {
      const heard: unknown[] = [];
      for (let i = 0; i < count; i++) heard.push(parsed(await peer.nextText()));
      return heard;
    },
  };
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return message;
  }
}

const utf8 = (message: string): Uint8Array => new TextEncoder().encode(message);

describe("D1: dispatcherKey", () => {
  it("D1: each message goes to the handler of its name, with its JSON", async () => {
    const { send, hear } = await serve({
      onSubscribe: (_caller: Caller, message: unknown) => ({ subscribe: message }),
      onHeartbeat: () => "beat",
      onUnSubscribe: () => "un subscribe",
      onConnectionInit: () => "init",
      onThisPingMessage: () => "underscores and spaces",
      onGröße: () => "größe",
      on2fa: () => "2fa",
      onMessage: () => "onMessage",
    });
    const subscribe = { event: "subscribe", data: { symbol: "ACME" } };
    const events = [
      "heartbeat",
      "un subscribe",
      "connection_init",
      "connectionInit",
      "this_ping message",
      "größe",
      "2fa",
    ];
    await send(subscribe, ...events.map((event) => ({ event })));
    expect(await hear(8)).toEqual(
      [{ subscribe }, "beat", "un subscribe", "init", "init", "underscores and spaces", "größe", "2fa"],
    );
  });

  it("D1: a class has them as methods, and each connection its own instance", async () => {
    class Room {
      readonly #members: string[] = [];
      onJoin = bind(z.object({ name: z.string() }), (_caller, { name }) => {
        this.#members.push(name);
      });
      onWho(): object {
        return this.#members;
      }
    }
    const listener = await listen();
    listener.attach("/room", { ...KEYED, get: () => new Room() });
    const peers = [await upgraded(listener.port, "/room"), await upgraded(listener.port, "/room")] as const;
    for (const peer of peers) await peer.text('{"event":"join","name":"ada"}');
    for (const peer of peers) {
      await peer.text('{"event":"who"}');
      expect(await peer.nextText()).toBe('["ada"]');
    }
  });

  it("D1: binary JSON is dispatched like text, unless there is an onBinaryMessage", async () => {
    const { peer } = await serve({
      onBeat: (_caller: Caller, message: object) => message,
      onMessage: (_caller: Caller, message: unknown) => typeof message,
    });
    await peer.send(
      { opcode: 2, payload: utf8('{"event":"beat"}') },
      { opcode: 2, payload: utf8('{"event":"other"}') },
      { opcode: 2, payload: Uint8Array.of(0xff, 0xfe) },
    );
    expect([await peer.nextText(), await peer.nextText(), await peer.nextText()]).toEqual(
      ['{"event":"beat"}', "object", "object"],
    );
    const { peer: other } = await serve({
      onBeat: () => "beat",
      onBinaryMessage: (_: Caller, data: Uint8Array) => data,
    });
    await other.send({ opcode: 2, payload: utf8('{"event":"beat"}') }, { opcode: 1, payload: '{"event":"beat"}' });
    expect([await other.nextText(), await other.nextText()]).toEqual(['{"event":"beat"}', "beat"]);
  });
});

describe("D2: dispatch", () => {
  it("D2: an explicit mapping takes the messages of its word, with or without a schema, under any name", async () => {
    const { send, hear } = await serve({
      name: "feed",
      onSubscribeMessage: dispatch(
        "subscribe",
        z.object({ symbol: z.string() }),
        function (this: { name: string }, _c, value) {
          return { name: this.name, ...value };
        },
      ),
      onSubscribeMessageError: () => "no subscription",
      beat: dispatch("ping", (_caller, message) => ({ pong: message })),
      beatError: () => "never",
      onMessage: () => "other",
    });
    await send(
      { event: "subscribe", symbol: "ACME" },
      { event: "subscribe" },
      { event: "ping" },
      { event: "subscribe message" },
      { event: "Subscribe", symbol: "ACME" },
    );
    expect(await hear(5)).toEqual(
      [{ name: "feed", symbol: "ACME" }, "no subscription", { pong: { event: "ping" } }, "other", "other"],
    );
  });

  it("D2: what is duplicate, ambiguous or never reached is refused with 500, and named", async () => {
    const errors: unknown[] = [];
    const listener = await listen({}, {}, { onError: (error) => errors.push(error) });
    const none = (): void => {};
    const cases: [service: object, options: UpgradeServiceOptions, names: string[]][] = [
      [{ a: dispatch("x", none), b: dispatch("x", none) }, KEYED, ['"a"', '"b"', '"x"']],
      [{ a: dispatch("sub scribe", none), onSubScribe: none }, KEYED, ['"a"', '"onSubScribe"', '"sub scribe"']],
      [{ onOpen: dispatch("open", none) }, KEYED, ['"onOpen"']],
      [{ a: dispatch("x", none) }, {}, ['"a"', '"dispatcherKey"']],
      [{ onA: bind(json, none) }, {}, ['"onA"', '"dispatcherKey"']],
    ];
    for (const [i, [service, options, names]] of cases.entries()) {
      listener.attach(`/${i}`, { ...options, get: () => service } as UpgradeService);
      expect((await answerTo(listener.port, upgradeRequest(`/${i}`))).status).toBe(500);
      expect(errors[i]).toBeInstanceOf(TypeError);
      for (const name of names) expect(String(errors[i])).toContain(name);
    }
  });
});

it("D3: no word reaches a life-cycle handler, an error handler, or what every object inherits", async () => {
  const ran: string[] = [];
  const log = (name: string) => (): void => void ran.push(name);
  class Guarded {
    onOpen = log("onOpen");
    onClose = log("onClose");
    onError = log("onError");
    onIdleTimeout = log("onIdleTimeout");
    onSubscribe = (): string => "subscribed";
    onSubscribeError = log("onSubscribeError");
    onTextMessage(_caller: Caller, message: string): object {
      return { text: parsed(message) };
    }
  }
  const { send, hear } = await serve(new Guarded());
  const words = ["open", "close", "error", "idle timeout", "idle_timeout", "ping", "pong", "text message", "message"];
  const others = [
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "onOpen",
    "onSubscribe",
    "",
    "$",
    "subscribe error",
  ];
  const messages = [...words, ...others].map((event) => ({ event }));
  await send(...messages, { event: "subscribe" });
  expect(await hear(messages.length + 1)).toEqual([...messages.map((text) => ({ text })), "subscribed"]);
  expect(ran).toEqual(["onOpen"]);
});

describe("D4: messages without a handler, and those that cannot be bound", () => {
  it("D4: what matches none goes to onMessage or onTextMessage as it came", async () => {
    const unmatched = ["plain text", '{"event":"other"}', '{"event":7}', '{"x":1}', "[1]", '{"event123":"beat"}', "{"];
    for (const name of ["onMessage", "onTextMessage"]) {
      const { peer } = await serve({
        onBeat: () => "beat",
        [name]: (_caller: Caller, message: string) => `> ${message}`,
      });
      for (const message of [...unmatched, '{"event":"beat"}']) await peer.text(message);
      for (const message of unmatched) expect(await peer.nextText()).toBe(`> ${message}`);
      expect(await peer.nextText()).toBe("beat");
    }
  });

  it("D4: without one it is dropped and counted, and the next is handled", async () => {
    const { send, hear, stats } = await serve({ onBeat: () => "beat" });
    await send({ event: "other" }, "text", { event: "beat" });
    expect(await hear(1)).toEqual(["beat"]);
    expect(stats().unhandled).toBe(2);
  });

  const Order = z.object({ event: z.literal("order"), n: z.number().min(1) });
  const onOrder = bind(Order, (_caller, { n }) => ({ n }));
  const invalid: [string, object][] = [
    ["of another shape", { event: "order", n: "1" }],
    ["that a constraint refuses", { event: "order", n: 0 }],
  ];

  it.each(invalid)("D4: one %s goes to onXxxError, and the connection lives on", async (_what, bad) => {
    const told: unknown[] = [];
    const { send, hear } = await serve({
      onOrder,
      onOrderError(_caller: Caller, error: PayloadBindingError) {
        told.push(error);
        return { refused: error.issues.map(({ path }) => path) };
      },
      onError: () => "onError",
    });
    await send(bad, { event: "order", n: 1 });
    expect(await hear(2)).toEqual([{ refused: [["n"]] }, { n: 1 }]);
    expect(told).toEqual([expect.any(PayloadBindingError)]);
  });

  it.each(invalid)("D4: else one %s goes to onError, and the connection lives on", async (_what, bad) => {
    const { send, hear, errors } = await serve({
      onOrder,
      onError: async (_caller: Caller, error: unknown) => await Promise.resolve(String((error as Error).name)),
    });
    await send(bad, { event: "order", n: 1 });
    expect((await hear(2)).toSorted()).toEqual([{ n: 1 }, expect.stringMatching(/^Payload/)].toSorted());
    expect(errors).toEqual([]);
  });

  it.each(invalid)("D4: else one %s closes with 1003 and a bounded reason", async (_what, bad) => {
    const { send, peer, errors } = await serve({ onOrder });
    await send(bad);
    const { code, payload } = await peer.closeFrame();
    expect(code).toBe(1003);
    expect(payload.length).toBeLessThanOrEqual(125);
    expect(new TextDecoder().decode(payload.subarray(2))).toMatch(/^data binding failed: /);
    expect(errors).toEqual([expect.any(PayloadBindingError)]);
  });

  it("D4: a reason that is too long is cut", async () => {
    const { send, peer } = await serve({ onOrder: bind(z.string({ error: "é".repeat(200) }), () => {}) });
    await send({ event: "order" });
    const { code, payload, text } = await peer.closeFrame();
    expect([code, payload.length]).toEqual([1003, 124]);
    expect(text.slice(2)).toMatch(/^.*é$/);
  });

  it("D4: a close frame that onXxxError returns closes", async () => {
    const { send, peer } = await serve({ onOrder, onOrderError: () => closeFrame(4000, "bad order") });
    await send({ event: "order" });
    expect(await peer.closeFrame()).toMatchObject({ code: 4000 });
  });

  it("D4: a handler's own failure is none of binding: onError, and 1011", async () => {
    const told: string[] = [];
    const { send, peer } = await serve({
      onOrder: bind(Order, () => {
        throw new Error("a bug");
      }),
      onOrderError: () => void told.push("onOrderError"),
      onError: (_caller: Caller, error: Error) => void told.push(error.message),
    });
    await send({ event: "order", n: 1 });
    expect(await peer.closeCode()).toBe(1011);
    expect(told).toEqual(["a bug"]);
  });

  it("D4: so it is for bound onMessage, in text and in binary, and the key need not be there", async () => {
    const { peer } = await serve({
      onMessage: bind(json(z.number()), (_caller, n) => n + 1),
      onMessageError: (_caller: Caller, error: Error) => error.name,
    }, {});
    await peer.send({ opcode: 1, payload: "1" }, { opcode: 1, payload: "Hi" }, { opcode: 2, payload: utf8("2") });
    await peer.send({ opcode: 2, payload: Uint8Array.of(0xff) }, { opcode: 1, payload: "3" });
    const heard = [];
    for (let i = 0; i < 5; i++) heard.push(await peer.nextText());
    expect(heard).toEqual(["2", "PayloadBindingError", "3", "PayloadBindingError", "4"]);
  });

  it("D4: with binary that is no number onError runs, can write, and the connection goes on", async () => {
    const { peer } = await serve({
      onBinaryMessage: bind(z.int(), (_caller, n) => ({ n })),
      onError: async (caller: Caller, error: Error) => {
        await caller.writeTextMessage(error.name);
      },
    }, {});
    await peer.send({ opcode: 2, payload: utf8("x") });
    expect(await peer.nextText()).toMatch(/^Payload/);
    await peer.send({ opcode: 2, payload: utf8("5") });
    expect(await peer.nextText()).toBe('{"n":5}');
  });
});

describe("B1: bound handlers", () => {
  const Coord = z.object({ x: z.number(), y: z.number() });
  const Closed = z.union([z.strictObject({ name: z.string() }), z.strictObject({ id: z.number() })]);
  const Person = v.object({ name: v.string(), age: v.optional(v.number(), 18), tags: v.array(v.string()) });
  const FAILED = "failed";

  /** What a schema makes of a text, and, since it is JSON, of the same in binary. */
  const JSON_CASES: [what: string, bindable: Parameters<typeof bind>[0], message: string, value: unknown][] = [
    ["any JSON: an object", json, '{"x":1,"y":[null]}', { x: 1, y: [null] }],
    ["any JSON: a string", json, '"text"', "text"],
    ["any JSON: null", json, "null", null],
    ["any JSON: escaped quotes", json, '{"a":"say \\"hi\\", \\\\ and \\u00e9"}', { a: 'say "hi", \\ and é' }],
    ["any JSON, and it is none", json, "plain text", FAILED],
    ["any JSON, and nothing", json, "", FAILED],
    ["an object", Coord, '{"x":1,"y":2}', { x: 1, y: 2 }],
    ["an object with a field more", Coord, '{"x":1,"y":2,"z":3}', { x: 1, y: 2 }],
    ["an object that lacks a field", Coord, '{"x":1}', FAILED],
    ["an object with a field of another type", Coord, '{"x":"1","y":2}', FAILED],
    ["an object, and it is an array", Coord, "[1,2]", FAILED],
    ["an object, and it is no JSON", Coord, "Hi", FAILED],
    ["a closed object", z.strictObject({ a: z.number() }), '{"a":1}', { a: 1 }],
    ["a closed object with a field more", z.strictObject({ a: z.number() }), '{"a":1,"b":2}', FAILED],
    ["a field with a default", Person, '{"name":"ada","tags":["x"]}', { name: "ada", age: 18, tags: ["x"] }],
    ["a field with a default that is there", Person, '{"name":"ada","age":3,"tags":[]}', {
      name: "ada",
      age: 3,
      tags: [],
    }],
    ["a list in a field, of another type", Person, '{"name":"ada","tags":[1]}', FAILED],
    ["an array of objects", z.array(Coord), '[{"x":1,"y":2},{"x":3,"y":4}]', [{ x: 1, y: 2 }, { x: 3, y: 4 }]],
    ["an array of objects, one of them wrong", z.array(Coord), '[{"x":1,"y":2},{"x":3}]', FAILED],
    ["an empty array", z.array(Coord), "[]", []],
    ["a tuple", z.tuple([z.string(), z.number()]), '["a",1]', ["a", 1]],
    ["a map", z.record(z.string(), z.number()), '{"a":1,"b":2}', { a: 1, b: 2 }],
    ["a map with another value", z.record(z.string(), z.number()), '{"a":"1"}', FAILED],
    [
      "a table, keyed by its rows",
      z.array(z.object({ id: z.number(), name: z.string() })).transform((rows) =>
        Object.fromEntries(rows.map((row) => [row.id, row]))
      ),
      '[{"id":1,"name":"a"},{"id":2,"name":"b"}]',
      { 1: { id: 1, name: "a" }, 2: { id: 2, name: "b" } },
    ],
    ["an integer", z.int(), "5", 5],
    ["an integer with a fraction", z.int(), "5.5", FAILED],
    ["an integer, and it is text", z.int(), "five", FAILED],
    ["a number", type("number"), "5.5", 5.5],
    ["a number, and it is a string", type("number"), '"5.5"', FAILED],
    ["a boolean", v.boolean(), "true", true],
    ["a boolean, and it is a number", v.boolean(), "1", FAILED],
    ["a string in JSON", v.string(), '"Hi"', "Hi"],
    ["a string in JSON, and it is no JSON", v.string(), "Hi", FAILED],
    ["null", z.null(), "null", null],
    ["one of several: the first", Closed, '{"name":"ada"}', { name: "ada" }],
    ["one of several: the second", Closed, '{"id":1}', { id: 1 }],
    ["one of several, and it is a mixture", Closed, '{"id":1,"name":"ada"}', FAILED],
    ["a number or a boolean", v.union([v.number(), v.boolean()]), "false", false],
    ["a number or a boolean, and it is neither", v.union([v.number(), v.boolean()]), '"x"', FAILED],
    [
      "something made of it",
      z.object({ at: z.iso.datetime() }).transform(({ at }) => at.slice(0, 4)),
      '{"at":"2024-01-01T00:00:00Z"}',
      "2024",
    ],
    ["an object that arktype checks", type({ name: "string > 0", "n?": "number" }), '{"name":"ada"}', { name: "ada" }],
    ["an object that arktype refuses", type({ name: "string > 0" }), '{"name":""}', FAILED],
    ["a length, kept", z.object({ s: z.string().max(3) }), '{"s":"abc"}', { s: "abc" }],
    ["a length, broken", z.object({ s: z.string().max(3) }), '{"s":"abcd"}', FAILED],
    ["a least value, broken", z.object({ n: z.int().min(10) }), '{"n":9}', FAILED],
    ["a schema that takes its time", v.pipeAsync(v.number(), v.checkAsync((n) => Promise.resolve(n > 1))), "2", 2],
    [
      "a schema that takes its time to refuse",
      v.pipeAsync(v.number(), v.checkAsync((n) => Promise.resolve(n > 1))),
      "1",
      FAILED,
    ],
    ["a value that is frozen", v.pipe(v.object({ a: v.number() }), v.readonly()), '{"a":1}', { a: 1 }],
  ];

  it.each(JSON_CASES)("B1: %s, as onMessage and as a handler of its own", async (_what, bindable, message, value) => {
    const heard: unknown[] = [];
    const { peer } = await serve({
      onMessage: bind(bindable, (_caller, each) => {
        heard.push(each);
        return "ok";
      }),
      onMessageError: (_caller: Caller, error: unknown) => {
        heard.push(error instanceof PayloadBindingError ? FAILED : error);
        return "failed";
      },
    }, {});
    await peer.send({ opcode: 1, payload: message }, { opcode: 2, payload: utf8(message) });
    await peer.nextText();
    await peer.nextText();
    expect(heard).toEqual([value, value]);
  });

  it.each<[string, Parameters<typeof bind>[0], string | Uint8Array, unknown]>([
    ["text", text, "Hi", "Hi"],
    ["text, of binary", text, utf8("hé"), "hé"],
    ["text, of binary that is no UTF-8", text, Uint8Array.of(0xff), FAILED],
    ["bytes", bytes, Uint8Array.of(1, 2, 255), Uint8Array.of(1, 2, 255)],
    ["an enum in raw text", text(z.enum(["A", "B"])), "A", "A"],
    ["an enum in raw text, and it is another", text(z.enum(["A", "B"])), "C", FAILED],
    ["an enum in raw text, and it is quoted", text(z.enum(["A", "B"])), '"A"', FAILED],
    ["text of a length", text(v.pipe(v.string(), v.maxLength(3))), "abcd", FAILED],
    ["a number in raw text", text(z.coerce.number()), "5", 5],
  ])("B1: %s", async (_what, bindable, message, value) => {
    const heard: unknown[] = [];
    const { peer } = await serve({
      onMessage: bind(bindable, (_caller, each) => {
        heard.push(each);
        return "ok";
      }),
      onMessageError: () => {
        heard.push(FAILED);
        return "failed";
      },
    }, {});
    await peer.send({ opcode: typeof message === "string" ? 1 : 2, payload: message });
    await peer.nextText();
    expect(heard).toEqual([value]);
  });

  it("B1: without one, onTextMessage gets text, onMessage what came, and a handler of its own the parsed JSON", async () => {
    const heard: unknown[] = [];
    const hear = (_caller: Caller, message: unknown): string => {
      heard.push(message);
      return "ok";
    };
    const one = await serve({ onTextMessage: hear, onBinaryMessage: hear }, {});
    const two = await serve({ onMessage: hear, onTick: hear });
    for (const { peer } of [one, two]) {
      await peer.send({ opcode: 1, payload: "5" }, { opcode: 2, payload: Uint8Array.of(5) });
      await peer.nextText();
      await peer.nextText();
    }
    await two.send({ event: "tick" });
    await two.hear(1);
    expect(heard).toEqual(["5", Uint8Array.of(5), "5", Uint8Array.of(5), { event: "tick" }]);
  });

  it("B1: a union of messages in one onMessage, told apart by the schema", async () => {
    const Command = z.discriminatedUnion("do", [
      z.object({ do: z.literal("add"), n: z.number() }),
      z.object({ do: z.literal("reset") }),
    ]);
    let sum = 0;
    const { send, hear } = await serve({
      onMessage: bind(Command, (_caller, command) => command.do === "add" ? (sum += command.n) : (sum = 0)),
    }, {});
    await send({ do: "add", n: 2 }, { do: "add", n: 3 }, { do: "reset" });
    expect(await hear(3)).toEqual([2, 5, 0]);
  });
});

describe("U10: the constraints of messages", () => {
  const service = (): object => ({
    onText: bind(z.object({ event: z.string(), s: z.string().max(3) }), (_caller, { s }) => ({ s })),
    onMessage: bind(z.int().min(10), (_caller, n) => n),
    onError: (_caller: Caller, error: Error) => error.name,
  });
  const messages = [{ event: "text", s: "abcd" }, 9, { event: "text", s: 5 }, { event: "text", s: "abc" }, 10];

  it("U10: refuse by default, in text and in binary", async () => {
    const { send, hear, peer } = await serve(service());
    const [validation, binding] = ["PayloadValidationError", "PayloadBindingError"];
    await send(...messages);
    expect(await hear(5)).toEqual([validation, validation, binding, { s: "abc" }, 10]);
    await peer.send(...messages.map((each) => ({ opcode: 2, payload: utf8(JSON.stringify(each)) })));
    expect(await hear(5)).toEqual([validation, validation, binding, { s: "abc" }, 10]);
  });

  it("U10: do not when the service says so; the shape still counts", async () => {
    const { send, hear, peer } = await serve(service(), { ...KEYED, validation: false });
    await send(...messages);
    expect(await hear(5)).toEqual([{ s: "abcd" }, 9, "PayloadBindingError", { s: "abc" }, 10]);
    await peer.send(...messages.map((each) => ({ opcode: 2, payload: utf8(JSON.stringify(each)) })));
    expect(await hear(5)).toEqual([{ s: "abcd" }, 9, "PayloadBindingError", { s: "abc" }, 10]);
  });
});

describe("D5: dispatcherStreamId", () => {
  it("D5: different ids side by side, the same in order, and replies carry their id", async () => {
    const [first, second] = [deferred<object>(), deferred<object>()];
    const begun: unknown[] = [];
    const { send, hear } = await serve({
      onQuery(_caller: Caller, { id, n }: { id: unknown; n: number }) {
        begun.push(id);
        return [first, second][n]?.promise ?? { n };
      },
    }, { dispatcherKey: "type", dispatcherStreamId: "id" });
    await send({ type: "query", id: "a", n: 0 }, { type: "query", id: "a", n: 5 }, { type: "query", id: 7, n: 1 });
    await send({ type: "query", n: 6 });
    expect(await hear(1)).toEqual([{ n: 6 }]);
    expect(begun).toEqual(["a", 7, undefined]);
    second.resolve({ n: 1 });
    expect(await hear(1)).toEqual([{ n: 1, id: 7 }]);
    first.resolve({ n: 0, id: "its own" });
    expect(await hear(2)).toEqual([{ n: 0, id: "its own" }, { n: 5, id: "a" }]);
    expect(begun).toEqual(["a", 7, undefined, "a"]);
  });

  it("D5: subscriptions as in graphql-transport-ws: elements with ids, the end told, one stopped by the peer", async () => {
    const stopped: unknown[] = [];
    const release = deferred();
    const service = {
      onConnectionInit: () => ({ type: "connection_ack" }),
      onSubscribe: bind(
        z.object({ id: z.string(), payload: z.object({ to: z.number() }) }),
        async function* (_caller, { payload }, { id, signal }: MessageContext) {
          try {
            for (let i = 0; i < payload.to; i++) {
              yield { type: "next", payload: i };
              if (i === 1) await release.promise;
            }
          } finally {
            stopped.push(id, signal.aborted);
          }
        },
      ),
      onSubscribeError: (_caller: Caller, error: PayloadBindingError) => ({
        type: "error",
        payload: error.issues.length,
      }),
    };
    const { send, hear } = await serve(service, GRAPHQL);
    await send({ type: "connection_init" }, { type: "subscribe", id: "1", payload: { to: 9 } });
    expect(await hear(3)).toEqual(
      [{ type: "connection_ack" }, { type: "next", payload: 0, id: "1" }, { type: "next", payload: 1, id: "1" }],
    );
    await send({ type: "subscribe", id: "2", payload: { to: 1 } }, { type: "subscribe", id: "3", payload: 5 });
    const rest = await hear(3);
    expect(rest.filter((each) => (each as { id: string }).id === "3")).toEqual([{
      type: "error",
      payload: 1,
      id: "3",
    }]);
    expect(rest.filter((each) => (each as { id: string }).id === "2")).toEqual(
      [{ type: "next", payload: 0, id: "2" }, { type: "complete", id: "2" }],
    );
    await send({ type: "complete", id: "1" }, { type: "subscribe", id: "4", payload: { to: 0 } });
    expect(await hear(1)).toEqual([{ type: "complete", id: "4" }]);
    release.resolve();
    // Its generator stood in an await, and ends behind it.
    await send({ type: "subscribe", id: "1", payload: { to: 0 } });
    expect(await hear(1)).toEqual([{ type: "complete", id: "1" }]);
    expect(stopped.slice(0, 6)).toEqual(["2", false, "4", false, "1", true]);
  });

  it("D5: a cancelled handler's signal is aborted, and its answer is not sent", async () => {
    const aborted = deferred<unknown>();
    const { send, hear } = await serve({
      onWait: (_caller: Caller, _message: unknown, { signal }: MessageContext) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            aborted.resolve(signal.reason);
            resolve({ late: true });
          });
        }),
      onEcho: () => ({ echo: true }),
      onComplete: () => ({ cancelled: true }),
    }, GRAPHQL);
    await send({ type: "wait", id: 1 }, { type: "echo", id: 1 }, { type: "complete", id: 1 }, { type: "echo", id: 2 });
    expect(await hear(2)).toEqual([{ cancelled: true, id: 1 }, { echo: true, id: 2 }]);
    expect(await aborted.promise).toMatchObject({ name: "AbortError" });
    await send({ type: "echo", id: 1 });
    expect(await hear(1)).toEqual([{ echo: true, id: 1 }]);
  });

  it("D5: no more than maxConcurrentRequests at once, and an unsubscription gets through", async () => {
    const begun: unknown[] = [];
    const { send, hear } = await serve({
      async *onList(_caller: Caller, { id }: { id: number }, { signal }: MessageContext) {
        begun.push(id);
        yield { first: true };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    }, { ...GRAPHQL, maxConcurrentRequests: 3 });
    await send(...[1, 2, 3, 4, 5].map((id) => ({ type: "list", id })));
    expect((await hear(3)).map((each) => (each as { id: number }).id)).toEqual([1, 2, 3]);
    await send({ type: "complete", id: 2 });
    expect(await hear(1)).toEqual([{ first: true, id: 4 }]);
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  it("D5: answers and elements of many requests that are far more than maxBufferedAmount all reach a slow peer", async () => {
    const pad = "x".repeat(524_288);
    const begun = deferred();
    let count = 0;
    const begin = (): void => void (++count === 48 && begun.resolve());
    const { send, hear, peer, errors } = await serve({
      onOne() {
        begin();
        return { pad };
      },
      *onList() {
        begin();
        for (let n = 0; n < 2; n++) yield { pad };
      },
    }, { dispatcherKey: "type", dispatcherStreamId: "id", maxBufferedAmount: 1_048_576 });
    peer.socket.pause();
    await send(...Array.from({ length: 48 }, (_, id) => ({ type: id < 32 ? "one" : "list", id })));
    await begun.promise;
    peer.socket.resume();
    const heard = await hear(32 + 16 * 2) as { id: number }[];
    const counts = Array.from({ length: 48 }, (_, id) => heard.filter((each) => each.id === id).length);
    expect(counts).toEqual(Array.from({ length: 48 }, (_, id) => id < 32 ? 1 : 2));
    expect(errors).toEqual([]);
  });

  it("D5: those that wait count for readAhead, past which the peer is held back", async () => {
    const release = deferred();
    const handled: unknown[] = [];
    const cut = here({ "deno native": deviates("deno-no-pause", true) }, false);
    const told = deferred();
    const { send, hear, peer } = await serve({
      async onWork(_caller: Caller, { n }: { n: number }) {
        handled.push(n);
        await release.promise;
        return { n };
      },
      onError(_caller: Caller, error: Error) {
        if (error.message === "The peer sent more than readAhead takes") told.resolve();
      },
    }, { ...GRAPHQL, readAhead: { messages: 4 } });
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    await send(...numbers.map((n) => ({ type: "work", id: "a", n })));
    if (cut) {
      await peer.closeFrame().catch(() => {});
      release.resolve();
      peer.socket.end();
      return await told.promise;
    }
    await send({ type: "work", id: "b", n: 50 });
    release.resolve();
    const heard = (await hear(51)) as { n: number; id: string }[];
    expect(heard.filter(({ id }) => id === "a").map(({ n }) => n)).toEqual(numbers);
    expect(handled).toHaveLength(51);
  });

  it("D5: when the peer leaves, streams are let go, signals aborted, and onClose comes once and last", async () => {
    const log: string[] = [];
    const ended = deferred();
    const { send, hear, peer } = await serve({
      async *onList(_caller: Caller, _message: unknown, { id, signal }: MessageContext) {
        try {
          yield { first: true };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        } finally {
          log.push(`list ${id}`);
        }
      },
      onWait: (_caller: Caller, _message: unknown, { id, signal }: MessageContext) =>
        new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => {
            log.push(`wait ${id}`);
            resolve();
          });
        }),
      onClose: () => {
        log.push("closed");
        ended.resolve();
      },
    }, GRAPHQL);
    await send({ type: "wait", id: 3 }, { type: "list", id: 1 }, { type: "list", id: 2 });
    await hear(2);
    peer.socket.destroy();
    await ended.promise;
    expect(log.at(-1)).toBe("closed");
    expect(log).toContain("wait 3");
    expect(log.filter((each) => each === "closed")).toHaveLength(1);
  });
});

describe("S5: messages during a stream", () => {
  const stream = (gate: Promise<void>): object => ({
    async *onStream() {
      yield "first";
      await gate;
      yield "last";
    },
    onRequest: (_caller: Caller, { n }: { n: number }) => n,
  });

  it("S5: by default they wait for its end", async () => {
    const gate = deferred();
    const { send, hear } = await serve(stream(gate.promise));
    await send({ event: "stream" }, { event: "request", n: 1 });
    expect(await hear(1)).toEqual(["first"]);
    gate.resolve();
    expect(await hear(2)).toEqual(["last", 1]);
  });

  it("S5: with concurrent they are handled meanwhile: one, and five", async () => {
    const gate = deferred();
    const { send, hear } = await serve(stream(gate.promise), { ...KEYED, concurrent: true });
    await send({ event: "stream" }, { event: "request", n: 0 });
    expect((await hear(2)).toSorted()).toEqual([0, "first"]);
    await send(...[1, 2, 3, 4, 5].map((n) => ({ event: "request", n })));
    expect(await hear(5)).toEqual([1, 2, 3, 4, 5]);
    gate.resolve();
    expect(await hear(1)).toEqual(["last"]);
  });

  it("S5: the same for services without dispatcherKey, and for a stream of onOpen", async () => {
    const gate = deferred();
    const { peer } = await serve({
      async *onOpen() {
        yield "opened";
        await gate.promise;
        yield "closed";
      },
      onTextMessage: (_caller: Caller, message: string) => message.toUpperCase(),
    }, { concurrent: true });
    expect(await peer.nextText()).toBe("opened");
    await peer.text("during");
    expect(await peer.nextText()).toBe("DURING");
    gate.resolve();
    expect(await peer.nextText()).toBe("closed");
  });

  it("S5: control frames are handled while one runs", async () => {
    const gate = deferred();
    const { send, peer } = await serve(stream(gate.promise), { ...KEYED, concurrent: true });
    await send({ event: "stream" });
    expect(await peer.nextText()).toBe("first");
    await peer.send({ opcode: 9, payload: "p" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "p" });
    await peer.close(4000);
    expect(await peer.closeCode()).toBe(4000);
    gate.resolve();
  });

  it("S5: each other reply is sent before the next handler runs, also with concurrent", async () => {
    const gate = deferred();
    const log: string[] = [];
    const { peer } = await serve({
      async onTextMessage(_caller: Caller, message: string) {
        log.push(`> ${message}`);
        if (message === "a") await gate.promise;
        log.push(`< ${message}`);
        return message;
      },
    }, { concurrent: true });
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" }, { opcode: 9, payload: "p" });
    expect(await peer.next()).toMatchObject({ opcode: 10 });
    gate.resolve();
    expect([await peer.nextText(), await peer.nextText()]).toEqual(["a", "b"]);
    expect(log).toEqual(["> a", "< a", "> b", "< b"]);
  });
});
