import { describe, expect, it, vi } from "vitest";
import { json, text } from "../../src/binding/binder.ts";
import { bind, dispatch } from "../../src/service/bind.ts";
import { checkDispatch, type DispatchConfiguration } from "../../src/service/dispatch_options.ts";
import { type Asked, type Handlers, HandlerTables } from "../../src/service/handlers.ts";
import type { Service } from "../../src/service/service.ts";

const KEYED: DispatchConfiguration = { dispatcherKey: "event" };
const WITH_IDS: DispatchConfiguration = { ...KEYED, dispatcherStreamId: "id", dispatcherCancel: "stop" };
const none = (): void => {};
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

function handlersOf(service: object, options: DispatchConfiguration = KEYED): Handlers | undefined {
  return new HandlerTables(checkDispatch({ ...options })).of(service as Service);
}

function find(service: object, message: string | Uint8Array, options?: DispatchConfiguration): Asked {
  return handlersOf(service, options)!.find(message);
}

describe("D1: what a message asks for", () => {
  const service = {
    onSubscribe: none,
    onUnSubscribe: none,
    onGröße: none,
    onMessage: none,
    onSubscribeError: none,
    stop: dispatch("stop it", none),
    onOther: dispatch("another", none),
  };

  it.each<[string, string | undefined, boolean]>([
    ['{"event":"subscribe","x":1}', "onSubscribe", true],
    ['{"event":"un subscribe"}', "onUnSubscribe", true],
    ['{"event":"größe"}', "onGröße", true],
    ['{"event":"stop it"}', "stop", true],
    ['{"event":"another"}', "onOther", true],
    ['{"event":"other"}', "onMessage", false],
    ['{"event":"stop"}', "onMessage", false],
    ['{"event":"none"}', "onMessage", false],
    ['{"event":["subscribe"]}', "onMessage", false],
    ['{"event":null}', "onMessage", false],
    ['{"a":{"event":"subscribe"}}', "onMessage", false],
    ['[{"event":"subscribe"}]', "onMessage", false],
    ['"subscribe"', "onMessage", false],
    ["null", "onMessage", false],
    ["subscribe", "onMessage", false],
    ["", "onMessage", false],
    ['{"event":"message"}', "onMessage", false],
  ])("%s → %s", (message, handler, isOwn) => {
    expect(find(service, message)).toMatchObject({ handler, isOwn });
    expect(find(service, bytes(message))).toMatchObject({ handler, isOwn });
  });

  it("binary that is no text, or has a handler of its own, is not looked into", () => {
    const invalid = Uint8Array.of(0x7b, 0xff);
    expect(find(service, invalid)).toMatchObject({ handler: "onMessage", parsed: undefined });
    const both = { onSubscribe: none, onTextMessage: none, onBinaryMessage: none };
    expect(find(both, bytes('{"event":"subscribe"}'))).toMatchObject({ handler: "onBinaryMessage", parsed: undefined });
    expect(find(both, '{"event":"subscribe"}')).toMatchObject({ handler: "onSubscribe" });
    const textual = { onSubscribe: none, onTextMessage: none };
    expect(find(textual, bytes('{"event":"none"}'))).toMatchObject({ handler: undefined });
  });

  it("D3: no word leads to a handler that every service has, to an error handler, or to what objects inherit", () => {
    class Base {
      onOpen(): void {}
      onClose(): void {}
      onError(): void {}
      onPing(): void {}
      onPong(): void {}
      onIdleTimeout(): void {}
      onTextMessage(): void {}
      onBinaryMessage(): void {}
      onSubscribe(): void {}
      onSubscribeError(): void {}
    }
    const words = [
      "open",
      "close",
      "error",
      "ping",
      "pong",
      "idle timeout",
      "text_message",
      "binary message",
      "message",
    ];
    const inherited = [
      "constructor",
      "__proto__",
      "toString",
      "hasOwnProperty",
      "valueOf",
      "onOpen",
      "onSubscribe",
      "",
    ];
    for (const word of [...words, ...inherited, "subscribe error", "SubscribeError"]) {
      const asked = find(new Base(), JSON.stringify({ event: word }));
      expect(asked, word).toMatchObject({ handler: "onTextMessage", isOwn: false });
    }
    expect(find(new Base(), '{"event":"subscribe"}')).toMatchObject({ handler: "onSubscribe", isOwn: true });
  });

  it("D3: nothing that was put on Object.prototype is reached", () => {
    const prototype = Object.prototype as { onEvil?: () => void; event?: string };
    prototype.onEvil = none;
    prototype.event = "subscribe";
    try {
      expect(find({ onSubscribe: none }, '{"event":"evil"}').handler).toBeUndefined();
      expect(find({ onSubscribe: none }, "{}").handler).toBeUndefined();
    } finally {
      delete prototype.onEvil;
      delete prototype.event;
    }
  });

  it("D1: the members of an array are no fields", () => {
    expect(find({ onSubscribe: none }, '["subscribe"]', { dispatcherKey: "0" }).handler).toBeUndefined();
    expect(find({ onSubscribe: none }, '{"0":"subscribe"}', { dispatcherKey: "0" }).handler).toBe("onSubscribe");
  });

  it("D5: ids are strings and numbers", () => {
    const asked = (id: string): Asked => find(service, `{"event":"subscribe","id":${id}}`, WITH_IDS);
    expect(asked('"a"').id).toBe("a");
    expect(asked("0").id).toBe(0);
    expect(asked(JSON.stringify("a".repeat(1_024))).id).toHaveLength(1_024);
    expect(asked(JSON.stringify("a".repeat(1_025))).id).toBeUndefined();
    for (const id of ["null", "true", "[1]", "{}", "1e999"]) expect(asked(id).id, id).toBeUndefined();
    expect(find(service, '{"event":"subscribe","id":1}', KEYED).id).toBeUndefined();
  });

  it("D5: what cancels has an id", () => {
    expect(find(service, '{"event":"stop","id":1}', WITH_IDS).cancels).toBe(true);
    expect(find(service, '{"event":"stop"}', WITH_IDS).cancels).toBe(false);
    expect(find(service, '{"event":"stops","id":1}', WITH_IDS).cancels).toBe(false);
  });

  it("without a key nothing is parsed", () => {
    const bound = { onMessage: bind(json, none) };
    expect(find(bound, '{"event":"subscribe"}', {})).toEqual(
      { handler: "onMessage", isOwn: false, id: undefined, cancels: false, parsed: undefined, validation: true },
    );
  });
});

describe("D2: what is refused", () => {
  it.each<[string, object, DispatchConfiguration, string]>([
    [
      "two mappings of a word",
      { a: dispatch("x", none), b: dispatch("x", none) },
      KEYED,
      'both "a" and "b" handle "x"',
    ],
    [
      "a mapping of a word that leads to a method",
      { a: dispatch("sub_scribe", none), onSubScribe: none },
      KEYED,
      'both "onSubScribe" and "a" handle "sub_scribe"',
    ],
    [
      "a mapping of a word that looks as if it led to another",
      { onSubscribe: dispatch("unsubscribe", none), a: dispatch("subscribe", none) },
      KEYED,
      'both "onSubscribe" and "a" handle "subscribe"',
    ],
    [
      "a mapping in the place of an error handler",
      {
        a: dispatch("x", none),
        aError: dispatch("y", none),
      },
      KEYED,
      '"aError" is made by "dispatch", and the error handler of "a"',
    ],
    ["a mapping without a key", { a: dispatch("x", none) }, {}, 'no message leads to "a" without the option'],
    ["a bound handler without a key", { onA: bind(text, none) }, {}, 'no message leads to "onA" without the option'],
    ["a bound handler that no word leads to", { on_a: bind(text, none) }, KEYED, 'no message leads to "on_a"'],
    ["a bound life-cycle handler", { onPing: bind(text, none) }, KEYED, '"onPing" is made by "bind", and gets no'],
    ["the same without a key", { onPing: bind(text, none) }, {}, '"onPing" is made by "bind", and gets no messages'],
    ["a bound error handler", { onA: none, onAError: bind(text, none) }, KEYED, '"onAError" is made by "bind"'],
    ["an error handler of nothing", { onAError: none }, KEYED, '"onAError" is an error handler, and there is no "onA"'],
    ["a handler of another case", { onmessage: none }, {}, 'nothing calls "onmessage", the nearest is "onMessage"'],
    [
      "a misspelled handler",
      { onOpen: none, onTextMesage: none },
      {},
      'nothing calls "onTextMesage", the nearest is "onTextMessage"',
    ],
    [
      "a misspelled method",
      new (class {
        onClosed() {}
      })(),
      {},
      'nothing calls "onClosed", the nearest is "onClose"',
    ],
    [
      "a handler of another case, beside a key",
      { onopen: none },
      KEYED,
      'nothing calls "onopen", the nearest is "onOpen"',
    ],
    ["a mapping in the place of a life-cycle handler", { onOpen: dispatch("x", none) }, KEYED, '"onOpen" is made by'],
  ])("%s", (_what, service, options, why) => {
    expect(() => handlersOf(service, options)).toThrow(TypeError);
    expect(() => handlersOf(service, options)).toThrow(`Cannot serve a connection: ${why}`);
  });

  it.each<[string, object]>([
    ["a mapping of its own name", { onSubscribe: dispatch("subscribe", none) }],
    ["a mapping of a word like a life-cycle handler's name", { onPing: none, beat: dispatch("ping", none) }],
    ["error handlers of handlers that are there", {
      onA: bind(text, none),
      onAError: none,
      sub: dispatch("subscribe", none),
      subError: none,
      onMessageError: none,
    }],
    ["members of its own", { once: none, onlineError: none, on: 5, onlineUsers: [], data: new Map() }],
  ])("not %s", (_what, service) => expect(() => handlersOf(service)).not.toThrow());
});

describe("what is shared", () => {
  class Feed {
    readonly state = {};
    onA(): void {}
    onB(): void {}
  }

  it("plain services have no handlers of this kind", () => {
    expect(handlersOf({ onMessage: none, onPing: none }, {})).toBeUndefined();
    expect(handlersOf(new Feed(), {})).toBeUndefined();
    expect(handlersOf({ onMessage: none }, { concurrent: true })).toMatchObject({ isConcurrent: true });
    expect(handlersOf({ onMessage: bind(text, none) }, {})).toMatchObject({ isConcurrent: false });
  });

  it("instances of a class, and literals of the same names, are found out once", () => {
    const tables = new HandlerTables(checkDispatch({ ...KEYED }));
    const chain = vi.spyOn(Object, "getPrototypeOf");
    const literal = (): Service => ({ onA: bind(text, () => {}), b: dispatch("b", () => {}) } as Service);
    expect(tables.of(new Feed())).toBe(tables.of(new Feed()));
    expect(tables.of(literal())).toBe(tables.of(literal()));
    expect(tables.of(literal())).not.toBe(tables.of({ onA: none } as Service));
    chain.mockClear();
    tables.of(new Feed());
    expect(chain).toHaveBeenCalledTimes(1);
    chain.mockRestore();
  });

  it("what an instance has of its own counts, and what it hides", () => {
    const tables = new HandlerTables(checkDispatch({ ...KEYED }));
    const handlerOf = (service: object): string | undefined =>
      tables.of(service as Service)!.find('{"event":"a"}').handler;
    expect(handlerOf(new Feed())).toBe("onA");
    expect(handlerOf(Object.assign(new Feed(), { onA: undefined }))).toBeUndefined();
    expect(handlerOf(Object.assign(new Feed(), { onMessage: none }))).toBe("onA");
    class Computed {
      get onA(): () => void {
        return none;
      }
    }
    expect(handlerOf(new Computed())).toBe("onA");
    expect(handlerOf(Object.assign(Object.create(null), { onA: none }))).toBe("onA");
  });

  it("what a class's getter says is asked of each instance", () => {
    class Members {
      readonly isAdmin: boolean;
      constructor(isAdmin: boolean) {
        this.isAdmin = isAdmin;
      }
      get onA(): (() => void) | undefined {
        return this.isAdmin ? none : undefined;
      }
      onTextMessage(): void {}
    }
    for (const first of [true, false]) {
      const tables = new HandlerTables(checkDispatch({ ...KEYED }));
      const handlerOf = (isAdmin: boolean): string | undefined =>
        tables.of(new Members(isAdmin) as Service)!.find('{"event":"a"}').handler;
      expect([handlerOf(first), handlerOf(!first)].toSorted()).toEqual(["onA", "onTextMessage"]);
    }
  });

  it("does not touch what a service can work out of itself", () => {
    const service = {
      get expensive(): never {
        throw new Error("asked for");
      },
      onA: none,
    };
    expect(() => handlersOf(service)).not.toThrow();
  });

  it("forgets kinds in time", () => {
    const tables = new HandlerTables(checkDispatch({ ...KEYED }));
    const first = tables.of({ onA: none } as Service);
    expect(tables.of({ onA: none } as Service)).toBe(first);
    for (let i = 0; i < 64; i++) tables.of({ [`onA${i}`]: none } as Service);
    expect(tables.of({ onA: none } as Service)).not.toBe(first);
  });
});
