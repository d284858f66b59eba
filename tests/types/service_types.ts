/** What the type checker says of services: what they may have, what their handlers get, and what is refused. */

import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import {
  type Authenticator,
  AuthnError,
  bind,
  broadcast,
  bytes,
  type Caller,
  dispatch,
  type Identity,
  json,
  type Listener,
  type Message,
  type MessageContext,
  type MessageStream,
  NORMAL_CLOSURE,
  type PayloadBindingError,
  type Router,
  type Service,
  text,
  UpgradeError,
  type UpgradeService,
} from "../../mod.ts";

/** Holds when both types are the same. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function same<A, B>(_same: Equal<A, B>): void {}

const Tick = z.object({ symbol: z.string(), price: z.number().optional() });

/** Nothing of it runs. */
export function handlers(listener: Listener, router: Router): void {
  // What a handler gets is what its schema makes, whichever library it is of.
  bind(Tick, (caller, value, context) => {
    same<typeof value, { symbol: string; price?: number | undefined }>(true);
    same<typeof caller, Caller>(true);
    same<typeof context, MessageContext>(true);
    same<typeof context.id, string | number | undefined>(true);
  });
  bind(v.object({ at: v.pipe(v.string(), v.transform((at) => new Date(at))) }), (_caller, value) => {
    same<typeof value, { at: Date }>(true);
  });
  bind(type({ "tags?": "string[]" }), (_caller, value) => same<typeof value, { tags?: string[] }>(true));
  bind(z.enum(["A", "B"]), (_caller, value) => same<typeof value, "A" | "B">(true));
  bind(z.string().transform((s) => s.length), (_caller, value) => same<typeof value, number>(true));
  bind(json, (_caller, value) => same<typeof value, unknown>(true));
  bind(json(Tick), (_caller, value) => same<typeof value.symbol, string>(true));
  bind(text, (_caller, value) => same<typeof value, string>(true));
  bind(bytes, (_caller, value) => same<typeof value, Uint8Array>(true));
  dispatch("tick", (_caller, value) => same<typeof value, unknown>(true));
  dispatch("tick", Tick, (_caller, value) => same<typeof value.symbol, string>(true));
  bind(Tick, function (this: { count: number }) {
    return this.count++;
  });

  // A message in parts tells what they are.
  listener.attach("/", {
    get: () => ({
      async onMessageStream(caller, message) {
        same<typeof caller, Caller>(true);
        same<typeof message, MessageStream>(true);
        if (message.kind === "text") { for await (const part of message) same<typeof part, string>(true); }
        else for await (const part of message) same<typeof part, Uint8Array>(true);
      },
    }),
  });

  // A literal may have any of them, alone or together, and the parameters of each are known.
  listener.attach("/", {
    dispatcherKey: "event",
    get: () => ({ onTick: bind(Tick, (_caller, { symbol }) => symbol) }),
  });
  listener.attach("/:room", {
    dispatcherKey: "event",
    get: async (_request, { params }) =>
      await ({
        onOpen(caller) {
          same<typeof caller, Caller>(true);
          return params.room;
        },
        onClose(_caller, statusCode, reason) {
          same<typeof statusCode, number>(true);
          same<typeof reason, string>(true);
        },
        onTick: bind(Tick, (_caller, value) => value),
        onTickError(caller, error) {
          same<typeof caller, Caller>(true);
          same<typeof error, unknown>(true);
          return NORMAL_CLOSURE;
        },
        onOtherError: (_caller, error: PayloadBindingError) => ({ issues: error.issues }),
        onOther(_caller, message, { id, signal }) {
          same<typeof message, unknown>(true);
          same<typeof id, string | number | undefined>(true);
          same<typeof signal, AbortSignal>(true);
          return message;
        },
        async *onList(caller, _message, { signal }) {
          while (!signal.aborted) yield caller.getConnectionId();
        },
        leave: dispatch("leave", () => NORMAL_CLOSURE),
        onJoinMessage: dispatch("join", Tick, (_caller, { symbol }) => symbol),
        onMessage: bind(json, (_caller, value) => void value),
        onMessageError: () => "no JSON",
      }),
  });
  router.attach("/", { dispatcherKey: "event", get: () => ({ leave: dispatch("leave", () => {}) }) });
  router.attach("/", { get: (request) => request.url === "" ? new UpgradeError(404) : { onTick: () => 1 } });
  const feed: UpgradeService = { dispatcherKey: "event", get: () => ({ onTick: (caller) => caller.remoteAddress }) };
  listener.attach("/", feed);

  // So may an instance, whether its class says so or not.
  class Plain {
    onTick = bind(Tick, (_caller, { symbol }) => this.#say(symbol));
    onLeave(_caller: Caller, _message: unknown): void {}
    #say(symbol: string): string {
      return symbol;
    }
  }
  class Declared implements Service {
    onTick = bind(Tick, this.tick);
    tick(caller: Caller, { symbol }: { symbol: string }): string {
      return `${symbol} ${caller.remoteAddress}`;
    }
  }
  class Both implements Service {
    onOpen(caller: Caller): string {
      return caller.getConnectionId();
    }
    onTick(_caller: Caller, _message: unknown, { id }: MessageContext): object {
      return { id };
    }
    onTextMessage = bind(text, (_caller, value) => value);
  }
  listener.attach("/", { dispatcherKey: "event", get: () => new Plain() });
  listener.attach("/", { dispatcherKey: "event", get: () => Promise.resolve(new Declared()) });
  listener.attach("/", { dispatcherKey: "event", get: (request) => request.url === "" ? new Both() : new Plain() });
  const service: Service = new Declared();
  listener.attach("/", { get: () => service });

  // A bound handler is a handler of messages.
  const bound = bind(Tick, () => {});
  const onMessage: (caller: Caller, message: Message) => unknown = bound;
  void onMessage;
}

/** Nor of this. */
export function refused(listener: Listener): void {
  // @ts-expect-error -- the handler takes something else than the schema makes
  bind(Tick, (_caller, value: { symbol: number }) => value);
  // @ts-expect-error -- there is no such field
  bind(Tick, (_caller, value) => value.name);
  // @ts-expect-error -- no schema
  bind({}, () => {});
  // @ts-expect-error -- no handler
  bind(Tick);
  // @ts-expect-error -- no handler
  dispatch("tick");
  // @ts-expect-error -- no word
  dispatch(1, () => {});

  listener.attach("/promised", {
    // @ts-expect-error -- what is in a promise is looked at as well
    get: () => Promise.resolve({ onTextMessage: (_caller: Caller, count: number) => count }),
  });
  // @ts-expect-error -- and what its handlers return
  listener.attach("/promised/set", { get: () => Promise.resolve({ onMessage: () => new Set() }) });
  listener.attach("/promised/well", {
    async get(request) {
      await request.text();
      return request.signal.aborted ? new UpgradeError(400) : { onTextMessage: (_caller, text) => text.length };
    },
  });
  // @ts-expect-error -- a handler that every service may have, with a wrong parameter, beside another
  listener.attach("/", { get: () => ({ onTick: bind(Tick, () => {}), onOpen: (_caller: Caller, _x: string) => {} }) });
  // @ts-expect-error -- the same in a class
  listener.attach("/", { get: () => new Wrong() });
  // @ts-expect-error -- onOpen gets no message
  listener.attach("/", { get: () => ({ onOpen: bind(Tick, () => {}) }) });
  // @ts-expect-error -- nor does onClose
  listener.attach("/", { get: () => ({ onClose: bind(Tick, () => {}) }) });
  // @ts-expect-error -- a word does not lead to onOpen
  listener.attach("/", { get: () => ({ onOpen: dispatch("open", () => {}) }) });
  // @ts-expect-error -- nor to onMessage
  listener.attach("/", { get: () => ({ onMessage: dispatch("message", () => {}) }) });
  // @ts-expect-error -- two ways to take a message
  listener.attach("/", { get: () => ({ onMessage: bind(json, () => {}), onTextMessage() {} }) });
  // @ts-expect-error -- whole, and as a stream
  listener.attach("/", { get: () => ({ onMessageStream() {}, onMessage() {} }) });
  // @ts-expect-error -- the same for text
  listener.attach("/", { get: () => Promise.resolve({ onMessageStream() {}, onTextMessage() {} }) });
  // @ts-expect-error -- and for bytes
  listener.attach("/", { get: () => ({ onMessageStream() {}, onBinaryMessage() {} }) });
  // @ts-expect-error -- and in a class with handlers of its own
  listener.attach("/", { get: () => new TwoWays() });
  // @ts-expect-error -- a function is no service
  listener.attach("/", { get: () => () => {} });
  // @ts-expect-error -- nor is a class
  listener.attach("/", { get: () => TwoWays });
  const room = new Set<Caller>();
  // @ts-expect-error -- a Set cannot be sent: the arrow returns it by accident
  listener.attach("/", { get: () => ({ onOpen: (caller) => room.add(caller) }) });
  // @ts-expect-error -- nor can it from a promise
  listener.attach("/", { get: () => ({ onOpen: (caller) => Promise.resolve(room.add(caller)) }) });
  // @ts-expect-error -- nor is what broadcast says for the peer
  listener.attach("/", { get: () => ({ onTextMessage: (_caller, text) => broadcast(room, text) }) });
  // @ts-expect-error -- text is none
  listener.attach("/", { get: () => "service" });
  // @ts-expect-error -- an unknown message has no fields
  listener.attach("/", { get: () => ({ onTick: (_caller, message) => message.symbol }) });

  class Wrong {
    onTick = bind(Tick, () => {});
    onTextMessage(_caller: Caller, _text: number): void {}
  }
  class TwoWays {
    onTick(): void {}
    onMessage(): void {}
    onBinaryMessage(): void {}
  }
  class Mistaken implements Service {
    onTick(): void {}
    // @ts-expect-error -- not what is passed
    onTextMessage(_caller: Caller, _text: number): void {}
  }
  void Mistaken;
}

/** Nor of this: who may connect, and who it is. */
export function authenticated(listener: Listener): void {
  const key: Authenticator = {
    scheme: "ApiKey",
    authenticate(credentials, request) {
      same<typeof credentials, string | undefined>(true);
      same<typeof request.signal, AbortSignal>(true);
      if (credentials === undefined) return undefined;
      return credentials === "7f3a" ? { subject: "ada", scopes: [], claims: {} } : new AuthnError("no");
    },
  };
  listener.attach("/", {
    auth: [key],
    tokenFrom: { cookie: "token" },
    closeOnExpiry: true,
    get(_request, { auth }) {
      same<typeof auth, Identity | undefined>(true);
      return {
        onOpen(caller) {
          same<typeof caller.auth, Identity | undefined>(true);
          return caller.auth?.subject;
        },
      };
    },
  });
  listener.attach("/public", { auth: false, get: () => ({}) });
  // @ts-expect-error -- not a list
  listener.attach("/", { auth: key, get: () => ({}) });
  // @ts-expect-error -- everybody is false, not true
  listener.attach("/", { auth: true, get: () => ({}) });
  // @ts-expect-error -- no such source
  listener.attach("/", { tokenFrom: { header: "x" }, get: () => ({}) });
  // @ts-expect-error -- whoever is let in has a subject
  const nobody: Authenticator = { scheme: "ApiKey", authenticate: () => ({ scopes: [], claims: {} }) };
  // @ts-expect-error -- a boolean is no identity
  const yes: Authenticator = { scheme: "ApiKey", authenticate: () => true };
  void [nobody, yes];
}
