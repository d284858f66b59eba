import { describe, expect, it } from "vitest";
import * as v from "valibot";
import * as z from "zod";
import { AuthnError, AuthzError, UpgradeError } from "../../src/errors.ts";
import { allowAnyOrigin } from "../../src/handshake/origin.ts";
import { Router } from "../../src/service/router.ts";
import type { UpgradeContext, UpgradeResult, UpgradeService } from "../../src/service/service.ts";
import { UpgradePipeline } from "../../src/service/upgrade_pipeline.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { MessageSocket } from "../../src/transport/message_socket.ts";
import type { Acceptance } from "../../src/transport/upgrade.ts";
import { FakeUpgrade } from "../support/fake_upgrade.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { deferred } from "./serve.ts";

interface Piped {
  readonly pipeline: UpgradePipeline;
  readonly router: Router;
  readonly clock: ManualClock;
  readonly errors: string[];
}

function pipe(path: string, service: Partial<UpgradeService>, timeoutMs = Infinity): Piped {
  const clock = new ManualClock();
  const errors: string[] = [];
  const router = new Router();
  router.attach(path, { get: () => ({}), ...service });
  const pipeline = new UpgradePipeline({
    router,
    compression: undefined,
    trusts: undefined,
    timeoutMs,
    runtime: { clock, deadlines: new Deadlines(clock), fillRandom: () => {} },
    errors: { report: (error) => errors.push(String(error)), notice: () => {} },
  });
  return { pipeline, router, clock, errors };
}

async function upgrade({ pipeline }: Piped, path: string, headers?: Record<string, string>): Promise<FakeUpgrade> {
  const upgrade = new FakeUpgrade(path, headers);
  await pipeline.handle(upgrade);
  return upgrade;
}

it("decides at once where nobody takes his time", async () => {
  class Prompt extends FakeUpgrade {
    override accept(acceptance: Acceptance): MessageSocket {
      void super.accept(acceptance);
      return this.socket;
    }
  }
  const prompt = new Prompt("/");
  const piped = pipe("/", {});
  expect(piped.pipeline.handle(prompt)).toBe(undefined);
  expect([await prompt.outcome(), piped.pipeline.tally.opened]).toEqual(["101", 1]);
});

it("a service that throws when it is looked at, whichever time, ends its own upgrade only", async () => {
  const outcomes: string[] = [];
  for (let most = 0, isServed = false; !isServed; most++) {
    let looks = 0;
    const service = {
      get onMessageStream(): never {
        if (looks++ === most) throw new Error("broken");
        return undefined as never;
      },
    };
    const piped = pipe("/", { get: () => service });
    const decided = await upgrade(piped, "/");
    isServed = looks <= most;
    expect([piped.errors, piped.pipeline.tally.opened]).toEqual(isServed ? [[], 1] : [["Error: broken"], 0]);
    outcomes.push(await decided.outcome());
  }
  expect(new Set(outcomes)).toEqual(new Set(["500 The server could not answer", "101"]));
});

describe("U1: the service's word", () => {
  it("get receives both, however it takes them", async () => {
    const seen: unknown[][] = [];
    const see = (...given: unknown[]): UpgradeResult => (seen.push(given), {});
    const take = function (this: unknown): UpgradeResult {
      // deno-lint-ignore no-explicit-any
      return see(...(arguments as any));
    };
    const takers: UpgradeService["get"][] = [
      (...given) => see(...given),
      // @ts-expect-error a default stands for what is always there
      (request = undefined, context = undefined) => see(request, context),
      take,
      take.bind(undefined),
      new Proxy(() => see(), { apply: (_target, _self, given) => see(...given) }),
      // Arrows have no `arguments` of their own.
      () => see(undefined, undefined),
    ];
    for (const get of takers) expect((await upgrade(pipe("/", { get }), "/")).accepted).toBeDefined();
    const given = seen.map(([request, context]) => [request instanceof Request, context !== undefined]);
    expect(given).toEqual([...takers.slice(1).map(() => [true, true]), [false, false]]);
  });

  it("get receives the request and its context; the service is served", async () => {
    let asked: [Request, UpgradeContext] | undefined;
    const piped = pipe("/chat/:name", {
      get(request, context) {
        asked = [request, context];
        context.headers.append("set-cookie", "a=1");
        return { onOpen: () => "hello" };
      },
    });
    const { accepted, socket } = await upgrade(piped, "/chat/ada%20l?room=1&room=2", { "x-one": "1" });
    const [request, context] = asked!;
    expect(request).toBeInstanceOf(Request);
    expect([request.url, request.method]).toEqual(["http://hawser.test/chat/ada%20l?room=1&room=2", "GET"]);
    expect([request.headers.get("x-one"), request.signal.aborted]).toEqual(["1", false]);
    expect({ ...context.params }).toEqual({ name: "ada l" });
    expect(context.query.getAll("room")).toEqual(["1", "2"]);
    expect([context.remoteAddress, context.secure, context.auth, context.subProtocol])
      .toEqual(["192.0.2.7", false, undefined, undefined]);
    expect([...accepted!.headers!]).toEqual([["set-cookie", "a=1"]]);
    expect(accepted!.protocol).toBeUndefined();
    expect(socket.sent).toEqual(["hello"]);
    expect([piped.pipeline.sessions.size, piped.pipeline.tally.opened]).toEqual([1, 1]);
    socket.end();
    expect(piped.pipeline.sessions.size).toBe(0);
  });

  it("may take its time", async () => {
    const word = deferred<UpgradeResult>();
    const piped = pipe("/", { pingInterval: 0, get: () => word.promise }, 5_000);
    const upgrade = new FakeUpgrade("/");
    const handled = piped.pipeline.handle(upgrade);
    await piped.clock.pass(4_999);
    expect(await upgrade.outcome()).toBe("undecided");
    word.resolve({});
    await handled;
    expect(await upgrade.outcome()).toBe("101");
    expect(piped.clock.timers).toBe(0);
  });

  it("its signal is of no further use once it has spoken", async () => {
    const signals: AbortSignal[] = [];
    const piped = pipe("/", {
      get(request) {
        signals.push(request.signal);
        return Promise.resolve({});
      },
    });
    const { socket } = await upgrade(piped, "/");
    const left = await upgrade(piped, "/");
    left.leave();
    piped.pipeline.stop();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    expect(socket.calls).toEqual([]);
  });

  it("U6: the service's limits are the socket's", async () => {
    const { accepted } = await upgrade(pipe("/", { maxMessageSize: 7, messageTimeout: 2 }), "/");
    expect(accepted!.limits).toMatchObject({ maxMessageSize: 7, messageMs: 2_000 });
  });

  it("get is a method", async () => {
    class Chat {
      #greeting = "hi";
      get(): { onOpen: () => string } {
        return { onOpen: () => this.#greeting };
      }
    }
    const piped = pipe("/", {});
    piped.router.attach("/chat", new Chat());
    expect((await upgrade(piped, "/chat")).socket.sent).toEqual(["hi"]);
  });
});

describe("U2: refusals", () => {
  const cases: [string, () => unknown, string, string[]][] = [
    ["UpgradeError", () => new UpgradeError(), "400 Upgrade refused", []],
    ["UpgradeError with a status", () => new UpgradeError(429, "Slow down"), "429 Slow down", []],
    ["AuthnError", () => new AuthnError("Who are you"), "401 Who are you", []],
    ["AuthzError", () => new AuthzError("Not yours"), "403 Not yours", []],
    ["any other", () => new Error("secret"), "500 The server could not answer", ["Error: secret"]],
  ];
  for (const [name, make, outcome, errors] of cases) {
    it.each<[string, () => unknown]>([
      ["thrown", () => {
        throw make();
      }],
      ["returned", make],
      ["rejected", () => Promise.reject(make())],
      ["resolved", () => Promise.resolve(make())],
    ])(`${name}, %s`, async (_how, get) => {
      const piped = pipe("/", { get: get as () => UpgradeResult });
      const refused = await upgrade(piped, "/");
      expect(await refused.outcome()).toBe(outcome);
      expect(refused.rejected!.headers.get("content-type")).toMatch(/^text\/plain/);
      expect(piped.errors).toEqual(errors);
      expect(piped.pipeline.tally.refused).toEqual({ [refused.rejected!.status]: 1 });
    });
  }

  it("an UpgradeError's headers are added", async () => {
    const refused = await upgrade(
      pipe("/", { get: () => new UpgradeError(503, "Later", { "retry-after": "5" }) }),
      "/",
    );
    expect(refused.rejected!.headers.get("retry-after")).toBe("5");
  });

  it("a Response refuses as it is", async () => {
    const response = new Response("over there", { status: 302, headers: { location: "/there" } });
    const refused = await upgrade(pipe("/", { get: () => response }), "/");
    expect(refused.rejected).toBe(response);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["nothing", () => undefined, /"get" returned undefined/],
    ["null", () => null, /"get" returned null/],
    ["text", () => "x", /"get" returned a string/],
    ["a handler that is none", () => ({ onOpen: "x" }), /"onOpen" is not a function/],
    ["an error response", () => Response.error(), /an error response/],
    ["S1: onMessage beside onTextMessage", () => ({ onMessage() {}, onTextMessage() {} }), /"onMessage" stands beside/],
    ["S1: onMessage beside onBinaryMessage", () => ({ onMessage() {}, onBinaryMessage() {} }), /"onMessage" stands/],
    ["a response that was read", async () => {
      const response = new Response("x");
      await response.text();
      return response;
    }, /a response that was read/],
    ["a header of the handshake", (...[, context]: unknown[]) => {
      (context as UpgradeContext).headers.set("Sec-WebSocket-Accept", "x");
      return {};
    }, /"sec-websocket-accept"/],
  ])("%s is a 500, and the listener hears why", async (_name, get, why) => {
    const piped = pipe("/", { get: get as () => UpgradeResult });
    expect(await (await upgrade(piped, "/")).outcome()).toBe("500 The server could not answer");
    expect(piped.errors).toEqual([expect.stringMatching(why)]);
  });

  it("11: CR and LF in a header to add are a 500", async () => {
    const piped = pipe("/", {
      get(_request, { headers }) {
        headers.set("x", "a\r\nset-cookie: b");
        return {};
      },
    });
    expect(await (await upgrade(piped, "/")).outcome()).toBe("500 The server could not answer");
  });
});

describe("U4: the sub-protocol", () => {
  it.each<[UpgradeService["subProtocols"], string | undefined, string | undefined]>([
    [["xml", "json"], "json, xml", "json"],
    [["xml"], "json, xml", "xml"],
    [["xml"], "json", undefined],
    [["xml"], "XML", undefined],
    [["xml"], undefined, undefined],
    [undefined, "xml", undefined],
    [(offered) => offered.at(-1), "a, b", "b"],
    [() => undefined, "a", undefined],
  ])("%j and %j agree on %s", async (subProtocols, offer, protocol) => {
    let told: string | undefined;
    const piped = pipe("/", {
      ...(subProtocols && { subProtocols }),
      get(_request, context) {
        told = context.subProtocol;
        return { onOpen: (caller) => `${caller.getNegotiatedSubProtocol()}` };
      },
    });
    const { accepted, socket } = await upgrade(
      piped,
      "/",
      offer === undefined ? {} : { "sec-websocket-protocol": offer },
    );
    expect([accepted!.protocol, told, socket.sent]).toEqual([protocol, protocol, [`${protocol}`]]);
  });

  it("a choice that was not offered is a 500; a broken offer a 400", async () => {
    const piped = pipe("/", { subProtocols: () => "zzz" });
    const chosen = await upgrade(piped, "/", { "sec-websocket-protocol": "a" });
    expect(await chosen.outcome()).toBe("500 The server could not answer");
    const broken = await upgrade(piped, "/", { "sec-websocket-protocol": "a, a" });
    expect(broken.rejected!.status).toBe(400);
  });
});

describe("U8: the origin", () => {
  it.each<[UpgradeService["origins"], string | undefined, string]>([
    [undefined, undefined, "101"],
    [undefined, "http://hawser.test", "101"],
    [undefined, "https://hawser.test:80", "403 Pages of this origin may not connect"],
    [undefined, "https://evil.test", "403 Pages of this origin may not connect"],
    [undefined, "null", "403 Pages of this origin may not connect"],
    [["https://app.test"], "https://app.test", "101"],
    [["https://app.test"], "http://hawser.test", "403 Pages of this origin may not connect"],
    [(origin) => origin.endsWith(".good"), "https://x.good", "101"],
    [(origin) => origin.endsWith(".good"), "https://x.bad", "403 Pages of this origin may not connect"],
    [allowAnyOrigin, "https://evil.test", "101"],
  ])("%j, %j: %s", async (origins, origin, outcome) => {
    let asked = 0;
    const piped = pipe("/", {
      ...(origins && { origins }),
      get() {
        asked++;
        return {};
      },
    });
    const decided = await upgrade(piped, "/", origin === undefined ? {} : { origin });
    expect([await decided.outcome(), asked]).toEqual([outcome, outcome === "101" ? 1 : 0]);
  });

  it("a check that throws, or answers later, is a 500 and lets nobody in", async () => {
    const piped = pipe("/", { origins: (() => Promise.resolve(true)) as never });
    const decided = await upgrade(piped, "/", { origin: "https://evil.test" });
    expect(await decided.outcome()).toBe("500 The server could not answer");
    expect(piped.errors).toHaveLength(1);
  });
});

describe("U3: the request bound by schemas", () => {
  const id = z.object({ id: z.coerce.number() });

  it("get has what the schemas made, and the headers to add are others", async () => {
    let asked: unknown;
    const piped = pipe("/", {});
    piped.router.attach("/chat/:id", {
      params: id,
      query: id,
      headers: id,
      get(_request, { params, query, requestHeaders, headers }) {
        asked = [params, query, requestHeaders];
        headers.set("x-added", "1");
        return {};
      },
    });
    const { accepted } = await upgrade(piped, "/chat/1;a=b?id=2", { id: "3" });
    expect(asked).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect([...accepted!.headers!]).toEqual([["x-added", "1"]]);
  });

  it("without schemas it has them as they are", async () => {
    let name: string | null | undefined;
    const piped = pipe("/", { get: (_request, { requestHeaders }) => (name = requestHeaders.get("x-name"), {}) });
    await upgrade(piped, "/", { "x-name": "ada" });
    expect(name).toBe("ada");
  });

  it("is refused behind the origin and the sub-protocol, and before get; the listener hears nothing", async () => {
    let asked = 0;
    const piped = pipe("/", {});
    piped.router.attach("/x", { query: id, get: () => (asked++, {}) });
    expect(await (await upgrade(piped, "/x", { origin: "https://other.test" })).outcome()).toMatch(/^403 /);
    expect(await (await upgrade(piped, "/x", { "sec-websocket-protocol": "a,a" })).outcome()).toContain("a list of");
    expect(await (await upgrade(piped, "/x")).outcome()).toBe('400 The query parameter "id" is missing');
    expect([asked, piped.errors, piped.pipeline.tally.refused]).toEqual([0, [], { 400: 2, 403: 1 }]);
  });

  it("U10: validation is the service's", async () => {
    const most = z.object({ id: z.coerce.number().max(5) });
    const piped = pipe("/", {});
    piped.router.attach("/strict", { query: most, get: () => ({}) });
    piped.router.attach("/lax", { query: most, validation: false, get: () => ({}) });
    expect(await (await upgrade(piped, "/strict?id=7")).outcome()).toMatch(/^400 /);
    expect((await upgrade(piped, "/lax?id=7")).accepted).toBeDefined();
  });

  it("a schema that throws is a 500, and the listener hears why", async () => {
    const broken = z.object({}).transform(() => {
      throw new Error("broken");
    });
    const piped = pipe("/", {});
    piped.router.attach("/x", { query: broken, get: () => ({}) });
    expect(await (await upgrade(piped, "/x")).outcome()).toBe("500 The server could not answer");
    expect(piped.errors).toEqual(["Error: broken"]);
  });

  it("a schema that takes longer than timeout is a 503, and get is not asked any more", async () => {
    const asked: string[] = [];
    const answer = deferred<boolean>();
    const slow = v.pipeAsync(v.looseObject({}), v.checkAsync(() => (asked.push("schema"), answer.promise)));
    const piped = pipe("/", {}, 1_000);
    piped.router.attach("/x", { query: slow, get: () => (asked.push("get"), {}) });
    const upgrading = upgrade(piped, "/x");
    await Promise.resolve();
    piped.clock.advance(1_000);
    expect(await (await upgrading).outcome()).toBe("503 The upgrade took too long");
    answer.resolve(true);
    await piped.clock.settle();
    expect([asked, piped.errors]).toEqual([["schema"], []]);
  });

  it("a client that leaves before the schema has answered is not served", async () => {
    const asked: string[] = [];
    const answer = deferred<boolean>();
    const slow = v.pipeAsync(v.looseObject({}), v.checkAsync(() => (asked.push("schema"), answer.promise)));
    const piped = pipe("/", {});
    piped.router.attach("/x", { headers: slow, get: () => (asked.push("get"), {}) });
    const gone = new FakeUpgrade("/x");
    const handled = piped.pipeline.handle(gone);
    gone.leave();
    await handled;
    answer.resolve(true);
    await piped.clock.settle();
    expect([asked, piped.errors, piped.pipeline.tally.left]).toEqual([["schema"], [], 1]);
  });
});

describe("L7: routes", () => {
  it("no route is a 404, 12: a bad percent-escape a 400", async () => {
    const piped = pipe("/chat/:name", {});
    expect(await (await upgrade(piped, "/elsewhere")).outcome()).toBe("404 There is no WebSocket service at this path");
    for (const path of ["/chat/%", "/chat/%ff"]) {
      expect(await (await upgrade(piped, path)).outcome()).toBe("400 The request target is ill-formed");
    }
    expect(await (await upgrade(piped, "//chat//ada")).outcome()).toBe("101");
    expect(piped.errors).toEqual([]);
    expect(piped.pipeline.tally.refused).toEqual({ 404: 1, 400: 2 });
  });

  it("L4: after detach new upgrades are a 404, and open connections live on", async () => {
    const piped = pipe("/", {});
    const service: UpgradeService = { get: () => ({ onTextMessage: (_caller, text) => text }) };
    piped.router.attach("/echo", service);
    const { socket } = await upgrade(piped, "/echo");
    piped.router.detach(service);
    expect((await upgrade(piped, "/echo")).rejected!.status).toBe(404);
    socket.sink!.message("still here");
    expect(socket.calls).toEqual(["send still here"]);
  });
});

describe("a word that comes too late", () => {
  it("L2: get slower than timeout: 503, and the signal is aborted", async () => {
    let signal: AbortSignal | undefined;
    const word = deferred<UpgradeResult>();
    const piped = pipe("/", {
      get(request) {
        signal = request.signal;
        return word.promise;
      },
    }, 5_000);
    const slow = new FakeUpgrade("/");
    const handled = piped.pipeline.handle(slow);
    await piped.clock.pass(4_999);
    expect(signal!.aborted).toBe(false);
    await piped.clock.pass(1);
    await handled;
    expect(await slow.outcome()).toBe("503 The upgrade took too long");
    expect(signal!.reason).toMatchObject({ code: "ERR_HANDSHAKE_TIMED_OUT" });
    word.resolve({});
    await piped.clock.settle();
    expect([piped.pipeline.sessions.size, piped.errors]).toEqual([0, []]);
  });

  it("9: the client is gone meanwhile: the signal is aborted, no 101, no session, no error", async () => {
    let signal: AbortSignal | undefined;
    const word = deferred<UpgradeResult>();
    const piped = pipe("/", {
      get(request) {
        signal = request.signal;
        return word.promise;
      },
    }, 5_000);
    const gone = new FakeUpgrade("/");
    const handled = piped.pipeline.handle(gone);
    gone.leave();
    expect(signal!.aborted).toBe(true);
    await handled;
    word.resolve({});
    await piped.clock.settle();
    expect([gone.accepted, piped.pipeline.sessions.size, piped.errors]).toEqual([undefined, 0, []]);
    expect(piped.pipeline.tally).toMatchObject({ left: 1, refused: {}, opened: 0 });
    expect(piped.clock.timers).toBe(0);
  });

  it("9: gone even before get has returned its promise", async () => {
    const piped = pipe("/", {
      get() {
        gone.leave();
        return new Promise<UpgradeResult>(() => {});
      },
    });
    const gone = new FakeUpgrade("/");
    await piped.pipeline.handle(gone);
    expect([gone.accepted, piped.errors, piped.pipeline.tally.left]).toEqual([undefined, [], 1]);
  });

  it("L6: the listener stops while the 101 is written: the connection is closed with 1001", async () => {
    const piped = pipe("/", { pingInterval: 0 });
    class Slow extends FakeUpgrade {
      override accept(acceptance: Acceptance): MessageSocket | Promise<MessageSocket> {
        piped.pipeline.stop();
        return super.accept(acceptance);
      }
    }
    const slow = new Slow("/");
    await piped.pipeline.handle(slow);
    expect(slow.socket.calls).toEqual(["close 1001"]);
  });

  it("H2: what cannot be accepted though the client is there is told, and counted as the 500 that it was", async () => {
    const piped = pipe("/", { pingInterval: 0 });
    const failure = new TypeError("Cannot write it");
    class Failing extends FakeUpgrade {
      override accept(): Promise<MessageSocket> {
        return Promise.reject(failure);
      }
    }
    await piped.pipeline.handle(new Failing("/"));
    expect(piped.errors).toEqual([String(failure)]);
    expect(piped.pipeline.tally).toMatchObject({ left: 0, refused: { 500: 1 }, opened: 0 });
  });

  it("9: gone between the word and the 101", async () => {
    const piped = pipe("/", {
      get() {
        gone.leave();
        return {};
      },
    });
    const gone = new FakeUpgrade("/");
    await piped.pipeline.handle(gone);
    expect([gone.accepted, piped.errors, piped.pipeline.tally.left]).toEqual([undefined, [], 1]);
  });

  it("L6: the listener stops meanwhile: 503, as for all that come then, until it resumes", async () => {
    const word = deferred<UpgradeResult>();
    let signal: AbortSignal | undefined;
    const piped = pipe("/", {
      get(request) {
        signal = request.signal;
        return word.promise;
      },
    });
    const pending = new FakeUpgrade("/");
    const handled = piped.pipeline.handle(pending);
    piped.pipeline.stop();
    await handled;
    expect([await pending.outcome(), signal!.aborted]).toEqual(["503 The server is stopping", true]);
    expect(await (await upgrade(piped, "/")).outcome()).toBe("503 The server is stopping");
    piped.pipeline.resume();
    word.resolve({});
    expect(await (await upgrade(piped, "/")).outcome()).toBe("101");
  });

  it("the service of a word that came in time, when the listener has stopped by then, is not served", async () => {
    const piped = pipe("/", {
      get() {
        piped.pipeline.stop();
        return {};
      },
    });
    expect(await (await upgrade(piped, "/")).outcome()).toBe("503 The server is stopping");
  });
});

describe("U9: who it is", () => {
  const ada = (expiresAt?: number) => ({
    scheme: "Bearer",
    authenticate: () => ({ subject: "ada", scopes: [], claims: {}, expiresAt }),
  });

  it("takes no longer than the listener's timeout, get and schemas included", async () => {
    const word = deferred<undefined>();
    let signal: AbortSignal | undefined;
    const auth = [{
      scheme: "Bearer",
      authenticate: (_credentials: string | undefined, request: { signal: AbortSignal }) => {
        signal = request.signal;
        return word.promise;
      },
    }];
    const piped = pipe("/", { auth }, 5_000);
    const slow = new FakeUpgrade("/");
    const handled = piped.pipeline.handle(slow);
    await piped.clock.pass(5_000);
    await handled;
    expect(await slow.outcome()).toBe("503 The upgrade took too long");
    expect([signal!.aborted, piped.clock.timers]).toEqual([true, 0]);
    word.resolve(undefined);
    await piped.clock.settle();
    expect(piped.errors).toEqual([]);
  });

  it("is refused while the listener stops", async () => {
    const piped = pipe("/", { auth: [{ scheme: "Bearer", authenticate: () => new Promise(() => {}) }] });
    const pending = new FakeUpgrade("/");
    const handled = piped.pipeline.handle(pending);
    await piped.clock.settle();
    piped.pipeline.stop();
    await handled;
    expect(await pending.outcome()).toBe("503 The server is stopping");
  });

  it("A3: its end is awaited no longer than the connection lasts", async () => {
    const soon = Date.now() / 1_000 + 100;
    const options = { pingInterval: 0, closeOnExpiry: true, auth: [ada(soon)] };
    const closed = pipe("/", options);
    const { socket } = await upgrade(closed, "/");
    expect(closed.clock.timers).toBe(1);
    socket.end();
    await closed.clock.settle();
    expect(closed.clock.timers).toBe(0);

    const expired = pipe("/", options);
    const other = (await upgrade(expired, "/")).socket;
    await expired.clock.pass(99_000);
    expect(other.calls).toEqual([]);
    await expired.clock.pass(1_000);
    expect(other.calls).toEqual(["close 3000 The credentials have expired"]);

    const without = pipe("/", { ...options, closeOnExpiry: false });
    await upgrade(without, "/");
    expect(without.clock.timers).toBe(0);
  });
});
