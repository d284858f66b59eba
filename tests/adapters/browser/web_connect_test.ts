import { describe, expect, it } from "vitest";
import { type FindWebSocket, webConnect } from "../../../src/adapters/browser/web_connect.ts";
import {
  ConnectionError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  PayloadTooLargeError,
  UnsupportedError,
} from "../../../src/errors.ts";
import { fakeWebSocket } from "../../support/fake_web_socket.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { SinkWords } from "../../support/sink_words.ts";

const PACING = {
  readAhead: { messages: 1, bytes: 1 },
  maxBufferedAmount: 16_777_216,
  maxMessagesPerSecond: Infinity,
  bufferPolicy: "wait",
  idleMs: Infinity,
  closeMs: 60_000,
  lingerMs: 2_000,
} as const;

interface Asked {
  readonly protocols?: readonly string[];
  readonly handshakeMs?: number;
  readonly maxMessageSize?: number;
  readonly maxBufferedAmount?: number;
}

function start({ protocols = [], handshakeMs = 1_000, maxMessageSize = 10, maxBufferedAmount = 100 }: Asked = {}) {
  const clock = new ManualClock();
  const { WebSocket, sockets } = fakeWebSocket();
  const controller = new AbortController();
  const settings = { protocols, handshakeMs, maxMessageSize, pacing: { ...PACING, maxBufferedAmount } };
  const opened = webConnect(() => WebSocket, clock)("wss://example.com/", settings, controller.signal);
  // Each test looks at it in its own time.
  opened.catch(() => {});
  return { clock, sockets, platform: sockets[0]!, controller, opened };
}

/** Nothing is left of a failed attempt: no timer, no listener, and the socket was told to close. */
function expectLetGo({ clock, platform }: ReturnType<typeof start>): void {
  expect([clock.timers, platform.onopen, platform.onclose]).toEqual([0, null, null]);
  expect(platform.calls).toEqual(["close"]);
}

describe("webConnect (C13)", () => {
  it("asks for the URL and the sub-protocols, and hands over the open socket", async () => {
    const { clock, platform, opened } = start({ protocols: ["a", "b"] });
    expect([platform.url, platform.protocols]).toEqual(["wss://example.com/", ["a", "b"]]);
    platform.protocol = "b";
    platform.open();
    // Before anybody listens.
    platform.receive("early");
    const { socket, response } = await opened;
    expect([socket.protocol, response, clock.timers, platform.calls]).toEqual(["b", undefined, 0, []]);
    const sink = new SinkWords();
    socket.start(sink);
    clock.endTurn();
    expect(sink.take()).toEqual(["text early"]);
  });

  it("asks for ever when there is no time limit", () => {
    expect(start({ handshakeMs: Infinity }).clock.timers).toBe(0);
  });

  it("gives the socket its limits", async () => {
    const { clock, platform, opened } = start({ maxMessageSize: 3, maxBufferedAmount: 8 });
    platform.slow = true;
    platform.open();
    const { socket } = await opened;
    const sink = new SinkWords();
    socket.start(sink);
    expect([socket.send("1234567"), socket.send("8")]).toEqual([true, false]);
    platform.receive("four");
    platform.end(1006, "", false);
    clock.endTurn();
    // 1009 may not travel from a page.
    expect(platform.calls.at(-1)).toBe("close 4009 message too big");
    expect(sink.closure?.error).toBeInstanceOf(PayloadTooLargeError);
  });

  it.each([[1000, 1000], [1001, 4001], [1008, 4008], [1013, 4013], [3000, 3000], [4999, 4999]])(
    "closes with %d as %d",
    async (code, travels) => {
      const { clock, platform, opened } = start();
      platform.open();
      const { socket } = await opened;
      const sink = new SinkWords();
      socket.start(sink);
      socket.close(code, "why");
      expect(platform.calls).toEqual([`close ${travels} why`]);
      platform.end(travels, "why");
      clock.endTurn();
      expect(sink.closure).toMatchObject({ clean: true, sent: { code: travels, reason: "why" } });
    },
  );
});

describe("webConnect fails (C13), and leaves nothing open", () => {
  it("with a ConnectionError when the platform could not connect, which does not say why", async () => {
    const attempt = start();
    attempt.platform.fail();
    attempt.platform.end(1006, "", false);
    await expect(attempt.opened).rejects.toThrow(ConnectionError);
    await expect(attempt.opened).rejects.toThrow("does not tell why");
    expectLetGo(attempt);
  });

  it("with a HandshakeTimedOutError when it took too long", async () => {
    const attempt = start({ handshakeMs: 1_500 });
    attempt.clock.advance(1_499);
    expect(attempt.platform.calls).toEqual([]);
    attempt.clock.advance(1);
    await expect(attempt.opened).rejects.toThrow(HandshakeTimedOutError);
    await expect(attempt.opened).rejects.toThrow("within 1.5 s");
    expectLetGo(attempt);
  });

  it("with the signal's reason when it aborts on the way", async () => {
    const attempt = start();
    const reason = new Error("enough");
    attempt.controller.abort(reason);
    await expect(attempt.opened).rejects.toBe(reason);
    expectLetGo(attempt);
  });

  it("and with it before anything was opened when it had aborted", async () => {
    const { WebSocket, sockets } = fakeWebSocket();
    const clock = new ManualClock();
    const reason = new Error("never");
    const settings = { protocols: [], handshakeMs: 1_000, maxMessageSize: 1, pacing: PACING };
    await expect(webConnect(() => WebSocket, clock)("ws://a/", settings, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    expect([sockets.length, clock.timers]).toEqual([0, 0]);
  });

  it("and listens to the signal no longer once it is open", async () => {
    const { platform, controller, opened } = start();
    platform.open();
    await opened;
    controller.abort();
    expect(platform.calls).toEqual([]);
  });

  it.each<[string, string[]]>([["", ["a"]], ["b", ["a"]], ["A", ["a"]]])(
    "with an InvalidHandshakeError when the server chose %j of %j",
    async (protocol, protocols) => {
      const attempt = start({ protocols });
      attempt.platform.protocol = protocol;
      attempt.platform.open();
      const error = await attempt.opened.catch((error) => error);
      expect(error).toBeInstanceOf(InvalidHandshakeError);
      expect(error).toMatchObject({
        status: 101,
        message: expect.stringContaining("none of the sub-protocols offered"),
      });
      expect(await error.body()).toBe("");
      expectLetGo(attempt);
    },
  );

  it.each<[string, unknown]>([["insecure", new DOMException("insecure", "SecurityError")], ["a word", "a word"]])(
    "with a ConnectionError when the constructor throws: %s",
    async (why, thrown) => {
      const clock = new ManualClock();
      const find = (() =>
        class {
          constructor() {
            throw thrown;
          }
        }) as unknown as FindWebSocket;
      const settings = { protocols: [], handshakeMs: 1_000, maxMessageSize: 1, pacing: PACING };
      const opened = webConnect(find, clock)("ws://a/", settings, new AbortController().signal);
      const error = await opened.catch((error) => error);
      expect(error).toBeInstanceOf(ConnectionError);
      expect([error.message, error.cause, clock.timers]).toEqual([`Cannot connect: ${why}`, thrown, 0]);
    },
  );

  it("with an UnsupportedError where there is no WebSocket", async () => {
    const clock = new ManualClock();
    const settings = { protocols: [], handshakeMs: 1_000, maxMessageSize: 1, pacing: PACING };
    const opened = webConnect(() => undefined, clock)("ws://a/", settings, new AbortController().signal);
    const error = await opened.catch((error) => error);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ feature: "client", runtime: "browser" });
    expect(clock.timers).toBe(0);
  });
});
