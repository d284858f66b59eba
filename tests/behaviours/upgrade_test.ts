/** The rows U of the acceptance table: an upgrade service, what it may answer, and the options of its connections. */

import { describe, expect, it } from "vitest";
import {
  allowAnyOrigin,
  AuthnError,
  AuthzError,
  type Caller,
  type Closure,
  Listener,
  type Origins,
  sameOrigin,
  type Service,
  type SubProtocols,
  UpgradeError,
  type UpgradeResult,
  type UpgradeService,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { deviates, type Differences, differs, here, refuses } from "../support/host.ts";
import { deferred, ECHO, expectUnsupported, failure, LOOPBACK, onSockets, switching } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial, upgraded, answerTo, server, whenOver } = onSockets();

describe("get", () => {
  it("U1: gets the request and its context, and adds headers to the 101", async () => {
    const listener = await listen();
    listener.attach("/chat/:name", {
      subProtocols: ["b"],
      get: async (request, { params, query, headers, subProtocol, remoteAddress, secure, auth }) => {
        headers.set("x-served-by", "me");
        headers.append("set-cookie", "a=1");
        headers.append("set-cookie", "b=2");
        await Promise.resolve();
        const known = [request instanceof Request, request.method, request.url, request.headers.get("x-one")];
        return {
          onOpen:
            () => [...known, params.name, query.getAll("room"), subProtocol, remoteAddress, secure, auth === undefined],
        };
      },
    });
    const client = await connect(`${listener.url}/chat/ada%20l?room=7&room=8`, {
      subProtocols: ["a", "b"],
      customHeaders: { "x-one": "1" },
    });
    expect(JSON.parse(await client.readTextMessage())).toEqual([
      true,
      "GET",
      `http://127.0.0.1:${listener.port}/chat/ada%20l?room=7&room=8`,
      "1",
      "ada l",
      ["7", "8"],
      "b",
      "127.0.0.1",
      false,
      true,
    ]);
    const { headers } = client.getHttpResponse()!;
    expect([headers.get("x-served-by"), headers.getSetCookie()]).toEqual(["me", ["a=1", "b=2"]]);
  });

  it("U1, H2: a header that cannot travel: 500 on every host, told and counted once", async () => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => void errors.push(error) });
    const wrong = { "x-a": "a\x01b" };
    listener.attach("/added", {
      get: (_request, { headers }) => {
        headers.set("x-a", wrong["x-a"]);
        return {};
      },
    });
    listener.attach("/response", { get: () => new Response("no", { status: 403, headers: wrong }) });
    listener.attach("/error", { get: () => new UpgradeError(403, "no", wrong) });
    for (const path of ["/added", "/response", "/error"]) {
      expect([path, (await answerTo(listener.port, upgradeRequest(path))).status]).toEqual([path, 500]);
    }
    expect(errors).toEqual([expect.any(TypeError), expect.any(TypeError), expect.any(TypeError)]);
    expect(listener.stats()).toMatchObject({ refused: { 500: 3 }, left: 0, opened: 0 });
    expect((await connect(listener.url)).isOpen()).toBe(true);
  });

  it("U1: the request's signal is aborted when the client leaves", async () => {
    const [asked, left] = [deferred(), deferred<unknown>()];
    const listener = await listen();
    listener.attach("/slow", {
      get: (request) => {
        request.signal.addEventListener("abort", () => left.resolve(request.signal.reason));
        asked.resolve();
        return new Promise<UpgradeResult>(() => {});
      },
    });
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest("/slow"));
    await asked.promise;
    raw.socket.destroy();
    expect(await left.promise).toBeInstanceOf(Error);
  });

  it("U1: the same service may serve many connections, a new one each", async () => {
    const listener = await listen();
    let made = 0;
    listener.attach("/each", { get: () => ({ onOpen: () => ++made }) });
    const peers = [await upgraded(listener.port, "/each"), await upgraded(listener.port, "/each")];
    expect([await peers[0]!.nextText(), await peers[1]!.nextText()]).toEqual(["1", "2"]);
  });

  it.each<[string, () => unknown, number, string]>([
    ["an UpgradeError", () => new UpgradeError(429, "Slow down", { "retry-after": "3" }), 429, "Slow down"],
    ["an UpgradeError's default", () => new UpgradeError(), 400, "Upgrade refused"],
    ["an AuthnError", () => new AuthnError("Who are you"), 401, "Who are you"],
    ["an AuthzError", () => new AuthzError("Not you"), 403, "Not you"],
    ["a Response", () => new Response("teapot", { status: 418 }), 418, "teapot"],
    ["anything else that is thrown", () => new Error("secret"), 500, "The server could not answer"],
    ["no service", () => undefined, 500, "The server could not answer"],
  ])("U2: %s, returned, thrown or later: %d", async (_what, result, status, body) => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
    const returned = result();
    const ways: Record<string, () => unknown> = {
      "/returned": () => returned,
      "/later": () => Promise.resolve(returned),
    };
    if (returned instanceof Error) {
      ways["/thrown"] = () => {
        throw returned;
      };
    }
    for (const [path, get] of Object.entries(ways)) listener.attach(path, { get } as UpgradeService);
    for (const path of Object.keys(ways)) {
      const { answer, ...seen } = await answerTo(listener.port, upgradeRequest(path));
      // A Response's body can be read once only.
      if (path === "/later" && returned instanceof Response) continue;
      expect([path, seen.status]).toEqual([path, status]);
      expect(answer.endsWith(`\r\n\r\n${body}`)).toBe(true);
      if (status === 429) expect(answer.toLowerCase()).toContain("\r\nretry-after: 3\r\n");
    }
    expect(errors.length > 0).toBe(status === 500 || returned instanceof Response);
  });

  it("U2: an UpgradeError has a status from 400 to 599", () => {
    expect(() => new UpgradeError(101)).toThrow(RangeError);
  });
});

describe("sub-protocols", () => {
  it.each<[SubProtocols | undefined, string[], string | undefined]>([
    [["xml", "json"], ["yaml", "json", "xml"], "json"],
    [["xml"], ["json"], undefined],
    [undefined, ["json"], undefined],
    [(offered) => offered.at(-1), ["a", "b"], "b"],
    [["xml"], [], undefined],
  ])("U4: of %s, offered %j: %s", async (subProtocols, offered, chosen) => {
    const listener = await listen(
      { onOpen: (caller) => String(caller.getNegotiatedSubProtocol()) },
      subProtocols === undefined ? {} : { subProtocols },
    );
    const changes = offered.length > 0 ? { "Sec-WebSocket-Protocol": offered.join(", ") } : {};
    const peer = await upgraded(listener.port, "/", changes);
    expect(await peer.nextText()).toBe(String(chosen));
  });

  it("U4: the client fails when none of its offers was chosen, and when another was", async () => {
    const none = await listen();
    const error = await failure(connect(none.url, { subProtocols: ["a"] }));
    expect(error).toMatchObject({ name: "InvalidHandshakeError", status: 101 });
    expect((error as Error).message).toContain("sub-protocol");
    const other = await server((peer, request) => peer.raw.write(switching(request, "Sec-WebSocket-Protocol: b\r\n")));
    expect(await failure(connect(other, { subProtocols: ["a"] }))).toMatchObject({ name: "InvalidHandshakeError" });
    expect(await failure(connect(other))).toMatchObject({ name: "InvalidHandshakeError" });
  });
});

/** As much of a message as a listener has to see to know that it is too long. */
function tooLong(peer: FramePeer, length: number): Uint8Array {
  const whole = here({ "deno native": deviates("deno-late-size", true) }, false);
  if (whole) return peer.encode({ opcode: 2, payload: new Uint8Array(length) });
  // Its header.
  return peer.encode({ opcode: 2, length });
}

describe("the options of its connections", () => {
  /** So many pings and pongs a second that a test may send what it likes. */
  const manyControls = (): UpgradeServiceOptions => {
    const refused = here({ "deno native": deviates("deno-no-control", true) }, false);
    return refused ? {} : { maxControlFramesPerSecond: 1_000_000 };
  };

  it("U5: maxControlFramesPerSecond", async () => {
    const listener = await listen();
    const attach = (): void => listener.attach("/x", { get: () => ECHO, maxControlFramesPerSecond: 3 });
    if (here({ "deno native": refuses("deno-no-control", true) }, false)) {
      return expectUnsupported(await failure(attach), "maxControlFramesPerSecond");
    }
    attach();
    const peer = await upgraded(listener.port, "/x");
    await peer.send({ opcode: 9 }, { opcode: 10 }, { opcode: 9 }, { opcode: 9 });
    expect(await peer.closeCode()).toBe(1008);
  });

  it("U5: without a handler, silence ends in 1001; pongs are no news", async () => {
    const opened = deferred<Caller>();
    const service: Service = { ...ECHO, onOpen: (caller) => opened.resolve(caller) };
    const { port } = await listen(service, { idleTimeout: 0.15, pingInterval: 0, ...manyControls() });
    const peer = await upgraded(port);
    const caller = await opened.promise;
    while (!caller.signal.aborted) {
      await peer.send({ opcode: 10 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(caller.signal.reason).toMatchObject({ closure: { first: "local", sent: { code: 1001 } } });
    if (here({ "deno native": deviates("deno-no-crossing", false) }, true)) {
      expect(await peer.closeFrame()).toMatchObject({ code: 1001 });
    }
  });

  it.each([["pings", 9], ["messages", 1]])("U5: %s are", async (_what, opcode) => {
    const { port } = await listen(ECHO, { idleTimeout: 0.3, pingInterval: 0, ...manyControls() });
    const peer = await upgraded(port);
    const seen = { 9: here({ "deno native": deviates("deno-no-control", false) }, true) }[opcode] ?? true;
    const until = performance.now() + 700;
    while (performance.now() < until) {
      await peer.send({ opcode, payload: "x" });
      const answer = await peer.next();
      if (!seen && answer.opcode === 8) return expect(answer.code).toBe(1001);
      expect(answer.opcode).toBe(opcode === 9 ? 10 : 1);
    }
    expect(seen).toBe(true);
  });

  it("U5: onIdleTimeout decides, again and again", async () => {
    let times = 0;
    const { port } = await listen({ onIdleTimeout: () => `idle ${++times}` }, { idleTimeout: 0.05, pingInterval: 0 });
    const peer = await upgraded(port);
    expect([await peer.nextText(), await peer.nextText()]).toEqual(["idle 1", "idle 2"]);
  });

  it("U6: maxMessageSize is inclusive, and refuses at the header what is larger", async () => {
    const { port } = await listen(ECHO, { maxMessageSize: 10 });
    const [fits, fails, sum] = [await upgraded(port), await upgraded(port), await upgraded(port)];
    await fits.text("0123456789");
    expect(await fits.nextText()).toBe("0123456789");
    await fails.raw.write(tooLong(fails, 11));
    expect(await fails.closeCode()).toBe(1009);
    await sum.send({ opcode: 1, fin: false, payload: "012345" }, { opcode: 0, fin: false, payload: "67890" });
    if (here({ "deno native": deviates("deno-late-size", true) }, false)) {
      await sum.send({ opcode: 9, payload: "is held" }, { opcode: 0 });
      expect(await sum.next()).toMatchObject({ opcode: 10, text: "is held" });
    }
    expect(await sum.closeCode()).toBe(1009);
  });

  it("U6: 16 777 216 by default", async () => {
    const { port } = await listen();
    const peer = await upgraded(port);
    await peer.raw.write(tooLong(peer, 16_777_217));
    expect(await peer.closeCode()).toBe(1009);
  });

  it("U6: maxMessageSize may be larger", async () => {
    const listener = new Listener(0, { host: LOOPBACK });
    whenOver(() => listener.immediateStop());
    listener.attach("/", { get: () => ECHO, maxMessageSize: 20_000_000 });
    await listener.start();
    const client = await connect(listener.url, { maxMessageSize: 20_000_000 });
    await client.writeBinaryMessage(new Uint8Array(17_000_000));
    expect((await client.readBinaryMessage()).length).toBe(17_000_000);

    const attach = (): void => listener.attach("/x", { get: () => ECHO, maxMessageSize: 100_000_000 });
    const refused = here({
      "deno native": refuses("deno-late-size", true),
      "bun native": refuses("bun-one-size", true),
    }, false);
    if (refused) expectUnsupported(await failure(attach), "maxMessageSize");
    else attach();
  });

  const noFrames = async (): Promise<void> => {
    const listener = await listen();
    const attach = (): void => listener.attach("/x", { get: () => ECHO, maxFrameSize: 5 });
    expectUnsupported(await failure(attach), "maxFrameSize");
  };
  it(
    "U6: maxFrameSize splits what goes out without harming a character, and bounds what comes in",
    differs({
      "deno native": refuses("deno-no-frames", noFrames),
      "bun native": refuses("bun-no-frames", noFrames),
    }, async () => {
      const { port } = await listen({ onTextMessage: (_caller, text) => text.repeat(3) }, { maxFrameSize: 5 });
      const peer = await upgraded(port);
      await peer.text("é€");
      const frames = [await peer.next()];
      while (!frames.at(-1)!.fin) frames.push(await peer.next());
      expect(frames.map(({ text }) => text).join("")).toBe("é€é€é€");
      expect(frames.every(({ payload, text }) => payload.length <= 5 && !text.includes("\ufffd"))).toBe(true);
      expect(frames.map(({ opcode }) => opcode)).toEqual([1, ...Array(frames.length - 1).fill(0)]);
      await peer.text("0123456");
      expect(await peer.closeCode()).toBe(1009);
    }),
  );

  /** What others mean nothing without. */
  const NEEDED: UpgradeServiceOptions = { dispatcherKey: "event", dispatcherStreamId: "id" };
  /** A value for each option; and where it is refused, why. */
  const OPTIONS: Record<keyof UpgradeServiceOptions, [value: unknown, refusals?: Differences<boolean>]> = {
    subProtocols: [["a"]],
    origins: [["https://a.test"]],
    connectionClosureTimeout: [1],
    validation: [false],
    auth: [[{ scheme: "None", authenticate: () => ({ subject: "ada", scopes: [], claims: {} }) }]],
    tokenFrom: [{ query: "token" }],
    closeOnExpiry: [true],
    idleTimeout: [1],
    readAhead: [{ messages: 2 }],
    maxBufferedAmount: [1_000],
    bufferPolicy: ["drop"],
    maxMessagesPerSecond: [100],
    maxMessageSize: [1_000],
    pingInterval: [1],
    pongTimeout: [1],
    closeLinger: [1],
    dispatcherKey: ["event"],
    dispatcherStreamId: ["id"],
    dispatcherCancel: ["stop"],
    dispatcherComplete: ["done"],
    concurrent: [true],
    maxConcurrentRequests: [1],
    maxFrameSize: [1_000, {
      "deno native": refuses("deno-no-frames", true),
      "bun native": refuses("bun-no-frames", true),
    }],
    maxFragments: [10, {
      "deno native": refuses("deno-no-frames", true),
      "bun native": refuses("bun-no-frames", true),
    }],
    messageTimeout: [1, {
      "deno native": refuses("deno-no-frames", true),
      "bun native": refuses("bun-no-frames", true),
    }],
    maxStreamedMessageSize: [1_000, {
      "deno native": refuses("deno-no-frames", true),
      "bun native": refuses("bun-no-frames", true),
    }],
    maxPendingPongs: [1, {
      "deno native": refuses("deno-no-control", true),
      "bun native": refuses("bun-own-pong", true),
    }],
    maxControlFramesPerSecond: [10, { "deno native": refuses("deno-no-control", true) }],
    maxInflatedBytesPerSecond: [1_000, {
      "deno native": refuses("deno-no-compression", true),
      "bun native": refuses("bun-own-compression", true),
    }],
  };
  it.each(Object.keys(OPTIONS) as (keyof UpgradeServiceOptions)[])(
    "U6: %s is kept, or refused by its name",
    async (name) => {
      const [value, refusals = {}] = OPTIONS[name];
      const listener = await listen();
      const attach = (): void => listener.attach("/x", { ...NEEDED, [name]: value, get: () => ECHO });
      if (here(refusals, false)) return expectUnsupported(await failure(attach), name);
      attach();
      const peer = await upgraded(listener.port, "/x");
      await peer.text("hi");
      expect(await peer.nextText()).toBe("hi");
    },
  );

  it("U6: without it a large message goes as one frame", async () => {
    const { port } = await listen({ onTextMessage: () => "x".repeat(200_000) });
    const peer = await upgraded(port);
    await peer.text("go");
    expect(await peer.next()).toMatchObject({ fin: true, payload: { length: 200_000 } });
  });

  it("U7: connectionClosureTimeout: how long a close waits for the peer's", async () => {
    const closure = deferred<Closure>();
    const { port } = await listen({ onTextMessage: (caller) => void caller.close(4000).then(closure.resolve) }, {
      connectionClosureTimeout: 0.05,
    });
    const peer = await upgraded(port);
    await peer.text("go");
    expect(await peer.closeCode()).toBe(4000);
    const code = here({ "bun native": deviates("bun-no-close-wait", 4000) }, 1006);
    expect(await closure.promise).toMatchObject({ code, clean: false });
    // On Deno it is not listened to any more, but is there until something comes.
    if (here({ "deno native": deviates("deno-no-cut", true) }, false)) await peer.send({ opcode: 9 });
    await peer.raw.rest();
  });

  it.each([0, -1, 0.5])("U7: connectionClosureTimeout %d is valid", async (connectionClosureTimeout) => {
    const { url } = await listen({ onTextMessage: (caller) => void caller.close(4000) }, { connectionClosureTimeout });
    const client = await connect(url);
    await client.writeTextMessage("go");
    expect(await client.closed).toMatchObject({ code: 4000, clean: true });
  });

  it.each<[UpgradeServiceOptions, string]>([
    [{ connectionClosureTimeout: -2 }, "connectionClosureTimeout"],
    [{ idleTimeout: -1 }, "idleTimeout"],
    [{ maxMessageSize: 0 }, "maxMessageSize"],
    [{ maxFrameSize: 3 }, "maxFrameSize"],
    [{ subProtocols: ["a b"] }, "subProtocols"],
    [{ auth: [] } as UpgradeServiceOptions, "auth"],
    [{ dispatcherKey: "" }, "dispatcherKey"],
    [{ dispatcherStreamId: "id" }, "dispatcherStreamId"],
    [{ dispatcherKey: "event", dispatcherCancel: "stop" }, "dispatcherCancel"],
    [{ dispatcherKey: "event", dispatcherComplete: "done" }, "dispatcherComplete"],
    [{ maxConcurrentRequests: 0 }, "maxConcurrentRequests"],
  ])("U7: %j is refused at attach, by its name", async (options, name) => {
    const listener = await listen();
    expect(() => listener.attach("/x", { ...options, get: () => ECHO })).toThrow(`"${name}"`);
  });
});

describe("origins", () => {
  const other = "https://other.test";
  it.each<[string, Origins | undefined, string | undefined, number]>([
    ["the default", undefined, undefined, 101],
    ["the default", undefined, "http://hawser.test", 101],
    ["the default", undefined, "https://hawser.test:443", 101],
    ["the default", undefined, "http://HAWSER.test:80", 101],
    ["the default", undefined, "http://hawser.test:8080", 403],
    ["the default", undefined, other, 403],
    ["the default", undefined, "null", 403],
    ["a list", [other], other, 101],
    ["a list", [other], "https://elsewhere.test", 403],
    ["a pattern", ["https://*.other.test"], "https://a.other.test", 101],
    ["sameOrigin", sameOrigin, "http://hawser.test", 101],
    ["sameOrigin", sameOrigin, other, 403],
    ["a check", (origin) => origin === other, other, 101],
    ["a check", (origin) => origin !== other, other, 403],
    ["allowAnyOrigin", allowAnyOrigin, other, 101],
    ["allowAnyOrigin", allowAnyOrigin, "null", 101],
  ])("U8: %s: of %j, %s: %d", async (_rule, origins, origin, status) => {
    const { port } = await listen(ECHO, origins === undefined ? {} : { origins });
    const raw = await dial(port);
    await raw.write(upgradeRequest("/", { Origin: origin }));
    expect(await raw.head()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});
