/** The rows B of the acceptance table, on the client: messages that a server sends, bound to values as they are read. */

import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  type Bindable,
  bytes,
  type Client,
  type ClientConfiguration,
  ConnectionClosureError,
  json,
  type Message,
  PayloadBindingError,
  PayloadValidationError,
  ReadTimedOutError,
  text,
  union,
} from "../../mod.ts";
import { xml } from "../../src/peers/xml.ts";
import { failure, onSockets } from "../support/on_sockets.ts";

const { listen, connect } = onSockets();

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A client whose server sends these, and then what the client sends. */
async function reads(messages: readonly Message[], config?: ClientConfiguration): Promise<Client> {
  const { url } = await listen({
    onOpen: () => messages.values(),
    onMessage: (_caller, message) => message,
  });
  return connect(url, config);
}

const Coord = z.object({ x: z.number(), y: z.number().optional() });
const Closed = z.strictObject({ x: z.number() });
const VCoord = v.object({ x: v.number(), y: v.optional(v.number()) });
const ACoord = type({ x: "number", "y?": "number" });
const Letter = z.enum(["A", "B"]);
const Book = xml(z.object({ book: z.object({ "@_id": z.coerce.number(), title: z.string() }) }));

describe("a message becomes a value", () => {
  it.each<[string, string, Bindable<unknown>, unknown]>([
    ["text", "Hi", text, "Hi"],
    ["text that looks like JSON", '"Hi"', text, '"Hi"'],
    ["text, empty", "", text, ""],
    ["text, not ASCII", "größe €😀", text, "größe €😀"],
    ["an enum, as raw text", "A", text(Letter), "A"],
    ["an enum of valibot", "B", text(v.picklist(["A", "B"])), "B"],
    ["an enum of arktype", "B", text(type("'A' | 'B'")), "B"],
    ["an enum as JSON", '"A"', Letter, "A"],
    ["a number of raw text", "7", text(type("string.integer.parse")), 7],
    ["JSON: an object", '{"a":[1,null,{"b":"c"}]}', json, { a: [1, null, { b: "c" }] }],
    ["JSON: a list", "[1,2,3]", json, [1, 2, 3]],
    ["JSON: text", '"Hi"', json, "Hi"],
    ["JSON: escaped quotes", '{"a":"say \\"hi\\" \\\\ \\u00e9"}', json, { a: 'say "hi" \\ é' }],
    ["JSON: null", "null", json, null],
    ["JSON: a name that is no prototype", '{"constructor":1}', json, { constructor: 1 }],
    ["an integer", "7", z.int(), 7],
    ["a fraction", "7.25", z.number(), 7.25],
    ["a negative number with an exponent", "-1e-3", z.number(), -0.001],
    ["a boolean", "true", z.boolean(), true],
    ["null", "null", z.null(), null],
    ["a record of zod", '{"x":1,"y":2}', Coord, { x: 1, y: 2 }],
    ["a record of valibot", '{"x":1,"y":2}', VCoord, { x: 1, y: 2 }],
    ["a record of arktype", '{"x":1,"y":2}', ACoord, { x: 1, y: 2 }],
    ["a record without what is optional", '{"x":1}', Coord, { x: 1 }],
    ["an open record", '{"x":1,"z":3}', z.looseObject({ x: z.number() }), { x: 1, z: 3 }],
    ["a closed record", '{"x":1}', Closed, { x: 1 }],
    ["a record with a default", "{}", z.object({ x: z.number().default(5) }), { x: 5 }],
    ["a record that is transformed", '{"x":"1"}', v.object({ x: v.pipe(v.string(), v.transform(Number)) }), { x: 1 }],
    ["records in records", '{"a":{"x":1},"b":[{"x":2}]}', z.object({ a: Coord, b: z.array(Coord) }), {
      a: { x: 1 },
      b: [{ x: 2 }],
    }],
    ["a map", '{"a":1,"b":2}', z.record(z.string(), z.number()), { a: 1, b: 2 }],
    ["a list of integers", "[1,2]", z.array(z.int()), [1, 2]],
    ["a list of text", '["a","b"]', v.array(v.string()), ["a", "b"]],
    ["a list of records", '[{"x":1},{"x":2}]', type({ x: "number" }).array(), [{ x: 1 }, { x: 2 }]],
    ["a tuple", '["a",1]', z.tuple([z.string(), z.number()]), ["a", 1]],
    [
      "a table with a key",
      '[{"id":1},{"id":2}]',
      z.array(z.object({ id: z.number() })).transform((rows) => (
        new Map(rows.map((row) => [row.id, row]))
      )),
      new Map([[1, { id: 1 }], [2, { id: 2 }]]),
    ],
    ["a read-only record", '{"x":1}', Coord.readonly(), Object.freeze({ x: 1 })],
    ["anything", "[1]", z.unknown(), [1]],
    ["a date", '"2020-01-02"', z.coerce.date(), new Date("2020-01-02")],
    ["what takes its time", '"a"', z.string().transform((text) => Promise.resolve(text + "!")), "a!"],
    ["a union: its first", '{"x":1}', union(Closed, z.strictObject({ z: z.string() })), { x: 1 }],
    ["a union: its second", '{"z":"a"}', union(Closed, z.strictObject({ z: z.string() })), { z: "a" }],
    ["a union: a number before text", "7", union(z.number(), text), 7],
    ["a union: text when it is no number", "seven", union(z.number(), text), "seven"],
    ["a union with an enum", "A", union(text(Letter), json), "A"],
    ["a union with what takes its time", "7", union(z.string().refine(() => Promise.resolve(true)), z.number()), 7],
    ["XML", "<book><title>T</title></book>", xml, { book: { title: "T" } }],
    ["XML of a shape", '<book id="7"><title>T</title></book>', Book, { book: { "@_id": 7, title: "T" } }],
    ["XML or JSON", '{"x":1}', union(Book, Coord), { x: 1 }],
  ])("B1: %s, in text and in binary", async (_what, message, bindable, value) => {
    const client = await reads([message, utf8(message)]);
    expect([await client.readMessage(bindable), await client.readMessage(bindable)]).toEqual([value, value]);
    await client.writeTextMessage(message);
    for await (const bound of client.messages(bindable)) {
      expect(bound).toEqual(value);
      break;
    }
  });

  it("B2: binary as bytes, and with a schema", async () => {
    const client = await reads([Uint8Array.of(0, 255), Uint8Array.of(1, 2, 3), utf8("text")]);
    expect(await client.readMessage(bytes)).toEqual(Uint8Array.of(0, 255));
    const length = v.pipe(v.instance(Uint8Array), v.transform((data) => data.length));
    expect(await client.readMessage(bytes(length))).toBe(3);
    expect(await client.readMessage(bytes)).toEqual(utf8("text"));
  });

  it("B2: text and binary, one after the other, by a union that tells them apart", async () => {
    const sent = ["a", utf8("b"), '{"x":1}', utf8('{"x":1}'), "c"];
    const client = await reads([...sent, ...sent]);
    const plain: Message[] = [];
    for (let i = 0; i < 5; i++) plain.push(await client.readMessage(union(bytes, text)));
    expect(plain).toEqual(sent);
    const bound: unknown[] = [];
    for (let i = 0; i < 5; i++) bound.push(await client.readMessage(union(bytes, Coord, text)));
    expect(bound).toEqual(["a", utf8("b"), { x: 1 }, utf8('{"x":1}'), "c"]);
  });

  it("B1: an enum and a record go out as they come in", async () => {
    const client = await reads([]);
    await client.writeMessage("B");
    expect(await client.readMessage(text(Letter))).toBe("B");
    await client.writeMessage({ x: 1 });
    expect(await client.readMessage(Coord)).toEqual({ x: 1 });
  });

  it("B1: one kind of read leaves nothing behind for the next", async () => {
    const client = await reads(['{"x":1}', '{"x":2}', '{"x":3}', utf8("7"), "8"]);
    expect(await client.readMessage(Coord)).toEqual({ x: 1 });
    expect(await client.readTextMessage()).toBe('{"x":2}');
    expect(await client.readMessage()).toBe('{"x":3}');
    expect(await client.readBinaryMessage()).toEqual(utf8("7"));
    expect(await client.readMessage(z.number())).toBe(8);
  });

  it("B1: reads that wait are bound each in its own way, in order", async () => {
    const client = await reads([]);
    const waiting = [client.readMessage(z.number()), client.readMessage(text), client.readMessage(Coord)];
    for (const message of ["1", "2", '{"x":3}']) await client.writeTextMessage(message);
    expect(await Promise.all(waiting)).toEqual([1, "2", { x: 3 }]);
  });
});

describe("a message that cannot be bound", () => {
  it.each<[string, Message, Bindable<unknown>, PropertyKey[] | undefined]>([
    ["plain text is no JSON", "Hi", json, undefined],
    ["an empty text is no JSON", "", json, undefined],
    ["JSON that is cut short", '{"x":', Coord, undefined],
    ["another kind of value", '{"x":"1"}', Coord, ["x"]],
    ["another kind, for valibot", '{"x":"1"}', VCoord, ["x"]],
    ["another kind, for arktype", '{"x":"1"}', ACoord, ["x"]],
    ["what must be there", "{}", Coord, ["x"]],
    ["what a closed record does not have", '{"x":1,"z":2}', Closed, []],
    ["no member of an enum", "C", text(Letter), []],
    ["an enum in quotes, as text", '"A"', text(Letter), []],
    ["text for an integer", "Hi", z.int(), undefined],
    ["a fraction for an integer", "1.5", z.int(), []],
    ["one wrong element", '[1,"2",3]', z.array(z.number()), [1]],
    ["deep inside", '{"a":{"b":[{"x":true}]}}', z.object({ a: z.object({ b: z.array(Coord) }) }), ["a", "b", 0, "x"]],
    ["no member of a union", "true", union(z.number(), z.string()), []],
    ["text for bytes", "[1,2]", bytes, undefined],
    ["text for XML", "Hi", xml, undefined],
    ["XML that is cut short", "<book><title>", xml, undefined],
    ["XML with a document type", "<!DOCTYPE a><a/>", xml, undefined],
    ["XML of another shape", "<book/>", Book, ["book"]],
    ["binary that is not UTF-8, for text", Uint8Array.of(0xc3, 0x28), text, undefined],
    ["binary that is not UTF-8, for JSON", Uint8Array.of(0x22, 0xff, 0x22), json, undefined],
    ["binary that is not UTF-8, for XML", Uint8Array.of(0xff), xml, undefined],
  ])("B3: %s", async (_what, message, bindable, path) => {
    const client = await reads([message, "next", message, '{"x":1}']);
    const error = await failure(client.readMessage(bindable));
    expect(error).toBeInstanceOf(PayloadBindingError);
    expect(error).toMatchObject({ code: "ERR_PAYLOAD_BINDING" });
    expect(error).not.toBeInstanceOf(PayloadValidationError);
    const { issues, message: sentence } = error as PayloadBindingError;
    expect(issues[0]!.path).toEqual(path);
    expect(sentence).toMatch(/^Cannot bind the message: /);
    // It is consumed, the connection lives, and nothing of it is left in the next one.
    expect([await client.readMessage(text), client.isOpen()]).toEqual(["next", true]);
    expect(await failure(client.messages(bindable).next())).toBeInstanceOf(PayloadBindingError);
    expect(await client.readMessage(Coord)).toEqual({ x: 1 });
  });

  it("B3: all issues are told, and of very many the first", async () => {
    const client = await reads(['{"x":"1","y":"2"}', JSON.stringify(Array(5_000).fill("x".repeat(100)))]);
    const two = await failure(client.readMessage(Coord)) as PayloadBindingError;
    expect(two.issues.map(({ path }) => path)).toEqual([["x"], ["y"]]);
    expect(two.message).toMatch(/ at "x", and 1 more$/);
    const many = await failure(client.readMessage(v.array(v.picklist(["a"])))) as PayloadBindingError;
    expect(many.issues).toHaveLength(64);
    expect(JSON.stringify(many.issues).length).toBeLessThan(30_000);
    expect(many.message).toMatch(/ at "0", and 4999 more$/);
  });

  it("B3: a union tells what is wrong for each member", async () => {
    const client = await reads(['{"x":"1"}']);
    const error = await failure(client.readMessage(union(Coord, text(Letter)))) as PayloadBindingError;
    expect(error.issues.map(({ path }) => path)).toEqual([["x"], []]);
  });

  it("B3: what the schema throws by itself is passed on, and the message consumed", async () => {
    const client = await reads(["1", "2"]);
    const broken = z.number().transform(() => {
      throw new Error("broken");
    });
    expect(await failure(client.readMessage(broken))).toEqual(new Error("broken"));
    expect(await client.readMessage(z.number())).toBe(2);
  });

  it("B3: what is no binder is thrown at once, and takes no message", async () => {
    const client = await reads(["a"]);
    expect(() => client.readMessage({} as Bindable<string>)).toThrow(TypeError);
    expect(() => client.messages({} as Bindable<string>)).toThrow(TypeError);
    expect(await client.readMessage()).toBe("a");
  });
});

describe("a value that its constraints refuse", () => {
  const constrained: [string, Bindable<unknown>][] = [
    ["zod", z.object({ x: z.number(), y: z.number().min(3) })],
    ["valibot", v.object({ x: v.number(), y: v.pipe(v.number(), v.minValue(3)) })],
    ["arktype", type({ x: "number", y: "number >= 3" })],
  ];

  it.each(constrained)("B3: %s tells it from another shape", async (_library, bindable) => {
    const messages = ['{"x":1,"y":2}', '{"x":"1","y":2}', '{"x":1,"y":3}'];
    const client = await reads([...messages, ...messages.map(utf8)]);
    for (let i = 0; i < 2; i++) {
      const refused = await failure(client.readMessage(bindable));
      expect(refused).toBeInstanceOf(PayloadValidationError);
      expect(refused).toMatchObject({ code: "ERR_PAYLOAD_VALIDATION", issues: [{ path: ["y"] }] });
      expect(await failure(client.readMessage(bindable))).not.toBeInstanceOf(PayloadValidationError);
      expect(await client.readMessage(bindable)).toEqual({ x: 1, y: 3 });
    }
    expect(client.isOpen()).toBe(true);
  });

  it.each(constrained)("C6: %s takes it without validation, but no other shape", async (_library, bindable) => {
    const client = await reads(['{"x":1,"y":2}', '{"x":"1","y":2}', utf8('{"x":1,"y":1}')], { validation: false });
    expect(await client.readMessage(bindable)).toEqual({ x: 1, y: 2 });
    expect(await failure(client.readMessage(bindable))).toBeInstanceOf(PayloadBindingError);
    expect(await client.messages(bindable).next()).toEqual({ value: { x: 1, y: 1 }, done: false });
  });

  it("B3: text, XML and unions have constraints, too", async () => {
    const long = text(z.string().max(3));
    const few = xml(z.object({ a: z.object({ b: z.array(z.string()).max(1) }) }));
    const messages = ["long", "<a><b/><b/></a>", "7"];
    const strict = await reads(messages);
    const either = union(z.boolean(), z.number().max(5));
    expect(await failure(strict.readMessage(long))).toBeInstanceOf(PayloadValidationError);
    expect(await failure(strict.readMessage(few))).toBeInstanceOf(PayloadValidationError);
    expect(await failure(strict.readMessage(either))).toBeInstanceOf(PayloadValidationError);
    const lax = await reads(messages, { validation: false });
    expect(await lax.readMessage(long)).toBe("long");
    expect(await lax.readMessage(few)).toEqual({ a: { b: ["", ""] } });
    expect(await lax.readMessage(either)).toBe(7);
  });

  it("C6: validation is true or false", async () => {
    const { url } = await listen();
    expect(await failure(() => connect(url, { validation: "no" } as unknown as ClientConfiguration))).toEqual(
      new TypeError('Cannot use the option "validation": it is not a boolean'),
    );
  });
});

describe("messages", () => {
  it("B1: binds message after message, and ends with a clean end", async () => {
    const { url } = await listen({
      async *onOpen(caller) {
        for (let x = 0; x < 3; x++) yield { x };
        void caller.close();
      },
    });
    const client = await connect(url);
    const seen: number[] = [];
    for await (const { x } of client.messages(Coord)) seen.push(x);
    expect(seen).toEqual([0, 1, 2]);
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(await client.messages(Coord).next()).toEqual({ value: undefined, done: true });
  });

  it("B1: an end that is not clean throws, behind the last message", async () => {
    const { url } = await listen({
      async *onOpen(caller) {
        yield { x: 1 };
        void caller.close(3000, "why");
      },
    });
    const client = await connect(url);
    const seen: unknown[] = [];
    const loop = async (): Promise<void> => {
      for await (const coord of client.messages(Coord)) seen.push(coord);
    };
    expect(await failure(loop())).toBeInstanceOf(ConnectionClosureError);
    expect(seen).toEqual([{ x: 1 }]);
  });

  it("B1: leaving the loop closes with 1000", async () => {
    const client = await reads(["1"]);
    for await (const one of client.messages(z.number())) {
      expect(one).toBe(1);
      break;
    }
    expect(await client.closed).toMatchObject({ sent: { code: 1000 } });
  });

  it("B3: a message that fails ends the loop and not the connection; a new loop goes on behind it", async () => {
    const client = await reads(["1", '"two"', "3", "four", "5", utf8("6")]);
    const seen: number[] = [];
    const errors: unknown[] = [];
    while (seen.at(-1) !== 6) {
      try {
        for await (const value of client.messages(z.number())) {
          seen.push(value);
          if (value === 6) break;
        }
      } catch (error) {
        errors.push(error);
        expect(client.isOpen()).toBe(true);
      }
    }
    expect(seen).toEqual([1, 3, 5, 6]);
    expect(errors).toEqual([expect.any(PayloadBindingError), expect.any(PayloadBindingError)]);
  });

  it("B3: a loop that failed has taken no message more, and lets anybody read", async () => {
    const client = await reads(["one", "2"]);
    const messages = client.messages(z.number());
    expect(() => client.messages()).toThrow(TypeError);
    expect(await failure(messages.next())).toBeInstanceOf(PayloadBindingError);
    expect(await messages.next()).toEqual({ value: undefined, done: true });
    expect(await client.readMessage(z.number())).toBe(2);
  });

  it("B1: readTimeout holds for each turn, and no message is lost", async () => {
    const client = await reads([], { readTimeout: 0.1 });
    expect(await failure(client.messages(z.number()).next())).toBeInstanceOf(ReadTimedOutError);
    await client.writeTextMessage("1");
    expect(await client.messages(z.number()).next()).toEqual({ value: 1, done: false });
  });
});
