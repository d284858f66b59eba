import { describe, expect, it } from "vitest";
import { UpgradeError } from "../../src/errors.ts";
import type { Caller } from "../../src/service/caller.ts";
import { NORMAL_CLOSURE } from "../../src/service/close_frame.ts";
import type { Listener } from "../../src/service/listener.ts";
import type { Router } from "../../src/service/router.ts";
import { checkIsService, type PathParams, type Service, type UpgradeService } from "../../src/service/service.ts";

/** Holds when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** What the type checker is to say; nothing of it runs. */
export function types(listener: Listener, router: Router): void {
  const same: [
    Same<PathParams<"/">, { readonly [Name in never]: string }>,
    Same<PathParams<"/chat/:name">, { readonly name: string }>,
    Same<PathParams<"/:a/x/:b/*">, { readonly a: string; readonly b: string; readonly "*": string }>,
    Same<PathParams<string>, { readonly [name: string]: string }>,
  ] = [true, true, true, true];
  void same;

  // U1: parameters are typed from the path, handlers from the service.
  listener.attach("/chat/:name", {
    get(request, { params, query, headers }) {
      const name: string = params.name;
      headers.set("x-name", name);
      // @ts-expect-error -- there is no such parameter
      void params.nome;
      if (query.get("key") !== request.headers.get("x-key")) return new UpgradeError(403);
      return {
        onOpen: (caller) => caller.remoteAddress,
        onTextMessage: (_caller, text) => text.toUpperCase(),
        onBinaryMessage: (_caller, data) => data.subarray(1),
        onClose: (_caller, code, reason) => void `${code.toFixed()} ${reason.trim()}`,
      };
    },
  });
  listener.attach("/async/:id", { get: async (_request, { params }) => await Promise.resolve(new Chat(params.id)) });
  router.attach("/feed", {
    get: () => ({
      async *onMessage(_caller: Caller, message: string | Uint8Array) {
        yield message;
        yield NORMAL_CLOSURE;
      },
    }),
  });

  class Chat implements Service {
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
    onTextMessage(caller: Caller, text: string): string {
      return `${this.name}: ${text} (${caller.getConnectionId()})`;
    }
  }
  class Feed implements UpgradeService<"/feed/:symbol"> {
    get(_request: Request, { params }: { params: { readonly symbol: string } }): Chat {
      return new Chat(params.symbol);
    }
  }
  listener.attach("/feed/:symbol", new Feed());
  const detachable: UpgradeService = { get: (): Service => new Chat("x") };
  listener.attach("/", detachable);
  listener.detach(detachable);

  // S1: one way to take messages.
  class Both implements Service {
    onMessage(): void {}
    onTextMessage(): void {}
  }
  // @ts-expect-error -- onMessage beside onTextMessage
  listener.attach("/", { get: () => new Both() });
  // @ts-expect-error -- onMessage beside onBinaryMessage, later
  listener.attach("/", { get: async () => await { onMessage() {}, onBinaryMessage() {} } });
  // @ts-expect-error -- one of several
  router.attach("/", { get: (request) => request.url ? new Both() : new Chat("x") });

  // @ts-expect-error -- a misspelt option
  listener.attach("/", { idleTimout: 5, get: () => ({}) });
  // @ts-expect-error -- no get
  listener.attach("/", { idleTimeout: 5 });
  // @ts-expect-error -- get returns nothing
  listener.attach("/", { get: () => {} });
  // @ts-expect-error -- a wrong parameter
  listener.attach("/", { get: () => ({ onTextMessage: (_caller: Caller, text: number) => text }) });
}

describe("S1: what is a service", () => {
  it.each<[string, unknown]>([
    ["no handlers", {}],
    [
      "an instance of a class",
      new (class {
        onMessage(): void {}
      })(),
    ],
    ["text and binary", { onTextMessage() {}, onBinaryMessage() {} }],
    ["members of its own", { onTextMessage() {}, name: "x", onMessage: undefined }],
  ])("%s", (_name, value) => expect(() => checkIsService(value)).not.toThrow());

  it.each<[string, unknown, RegExp]>([
    ["undefined", undefined, /returned undefined/],
    ["a function", () => {}, /returned a function/],
    ["a handler that is none", { onPing: true }, /"onPing" is not a function/],
    ["two ways", { onMessage() {}, onTextMessage() {} }, /"onMessage" stands beside/],
    [
      "two ways, inherited",
      new (class extends (class {
        onMessage(): void {}
      }) {
        onBinaryMessage(): void {}
      })(),
      /"onMessage" stands beside/,
    ],
  ])("not %s", (_name, value, why) => expect(() => checkIsService(value)).toThrow(why));
});
