import { describe, expect, it } from "vitest";
import type { DenoServeInfo } from "../../../src/adapters/deno/deno_api.ts";
import { type DenoTools, DenoUpgrade } from "../../../src/adapters/deno/deno_upgrade.ts";
import { Door } from "../../../src/adapters/native/door.ts";
import { Traffic } from "../../../src/adapters/native/traffic.ts";
import { DrainPoll } from "../../../src/adapters/web/drain_poll.ts";
import { ConnectionError } from "../../../src/errors.ts";
import type { MessageSocket } from "../../../src/transport/message_socket.ts";
import { type Acceptance, DEFAULT_LIMITS } from "../../../src/transport/upgrade.ts";
import { FakeDeno, INFO } from "../../support/fake_deno.ts";
import { listenOptions } from "../../support/listen_options.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { failure } from "../../support/on_sockets.ts";
import { SinkWords } from "../../support/sink_words.ts";
import { told, webRequest } from "../../support/web_request.ts";

const TERMS: Acceptance = { limits: DEFAULT_LIMITS, keepAliveMs: Infinity };

interface Pending {
  readonly upgrade: DenoUpgrade;
  readonly deno: FakeDeno;
  readonly clock: ManualClock;
  readonly traffic: Traffic;
}

function pending(request: Request = webRequest("/chat"), server?: string, info: object | undefined = INFO): Pending {
  const deno = new FakeDeno();
  const clock = new ManualClock();
  const traffic = new Traffic();
  const tools: DenoTools = { deno, clock, drainPoll: new DrainPoll(clock), secure: false };
  const door = new Door<DenoServeInfo>(listenOptions([], { server }), undefined, false);
  return { upgrade: new DenoUpgrade(request, info as typeof INFO, door, tools, traffic), deno, clock, traffic };
}

/** Accepts, and opens the socket as Deno does. */
async function opened(terms: Partial<Acceptance> = {}): Promise<Pending & { socket: MessageSocket; sink: SinkWords }> {
  const all = pending();
  const accepted = all.upgrade.accept({ ...TERMS, ...terms });
  all.deno.sockets[0]!.open();
  const socket = await accepted;
  const sink = new SinkWords();
  socket.start(sink);
  return { ...all, socket, sink };
}

describe("the request", () => {
  it("tells the peer's address", () => {
    expect(pending().upgrade.request.remoteAddress).toBe("192.0.2.7");
  });

  it("has none where the server has none, told nothing, or throws because the client has left", () => {
    const gone = {
      get remoteAddr(): never {
        throw new TypeError("Request closed");
      },
    };
    for (const info of [{}, { remoteAddr: { transport: "unix", path: "/run/x.sock" } }, gone]) {
      expect(pending(webRequest(), undefined, info).upgrade.request.remoteAddress).toBe(undefined);
    }
    const without = pending(webRequest(), undefined, null as unknown as object);
    expect(without.upgrade.request.remoteAddress).toBe(undefined);
  });
});

describe("accept", () => {
  it("returns the very response, with sub-protocol and headers, Set-Cookie as often as it is there", async () => {
    const { upgrade, deno } = pending(webRequest(), "hawser");
    const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-one", "1"]]);
    const accepted = upgrade.accept({ ...TERMS, protocol: "b", headers });
    const response = await upgrade.answer;
    expect(response === deno.responses[0]).toBe(true);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(["server", "sec-websocket-protocol", "x-one"].map((name) => response.headers.get(name)))
      .toEqual(["hawser", "b", "1"]);
    deno.sockets[0]!.open();
    expect((await accepted).protocol).toBe("b");
  });

  it("has no sub-protocol and no header that nobody asked for", async () => {
    const { upgrade, socket } = await opened();
    expect([...(await upgrade.answer).headers.keys()].filter((name) => name !== "x-switches")).toEqual([]);
    expect(socket.protocol).toBe("");
  });

  it("keeps what comes before anybody listens", async () => {
    const { upgrade, deno, clock } = pending();
    const accepted = upgrade.accept(TERMS);
    const platform = deno.sockets[0]!;
    platform.receive("at once");
    platform.open();
    platform.receive("after the opening");
    const socket = await accepted;
    const sink = new SinkWords();
    socket.start(sink);
    clock.endTurn();
    expect(sink.take()).toEqual(["text at once", "text after the opening"]);
  });

  for (const [keepAliveMs, seconds] of [[Infinity, 0], [60_000, 60], [1_500, 2], [1, 1], [0, 1]] as const) {
    it(`a keep-alive of ${keepAliveMs} ms is one of ${seconds} s`, async () => {
      expect((await opened({ keepAliveMs })).deno.idleTimeouts).toEqual([seconds]);
    });
  }

  it("passes on how much may wait", async () => {
    const { deno, socket } = await opened({ maxBufferedAmount: 8 });
    deno.sockets[0]!.slow = true;
    expect([socket.send("1234567"), socket.send("8")]).toEqual([true, false]);
    socket.destroy();
  });

  it("attack 11: what may not travel is answered with 500, and nothing is upgraded", async () => {
    for (const protocol of ["a\r\nx: y", "a\0"]) {
      const { upgrade, deno } = pending();
      expect(await failure(upgrade.accept({ ...TERMS, protocol }))).toBeInstanceOf(TypeError);
      expect(await told(upgrade.answer)).toBe("500 The server could not answer");
      expect(deno.sockets).toEqual([]);
    }
  });

  it("what Deno refuses is answered with 500, and its error passed on", async () => {
    const { upgrade, deno } = pending();
    deno.failure = new TypeError("Invalid upgrade");
    expect(await failure(upgrade.accept(TERMS))).toBe(deno.failure);
    expect(await told(upgrade.answer)).toBe("500 The server could not answer");
  });

  it("attack 9: is not even tried when the client is known to have left", async () => {
    const client = new AbortController();
    const { upgrade, deno, traffic } = pending(webRequest("/", {}, { signal: client.signal }));
    expect(upgrade.request.signal.aborted).toBe(false);
    client.abort();
    expect(await failure(upgrade.accept(TERMS))).toBeInstanceOf(ConnectionError);
    expect([(await upgrade.answer).status, deno.sockets]).toEqual([500, []]);
    await traffic.over();
  });

  it("rejects when the socket does not open within 2 s: nothing else tells that the client has left", async () => {
    const { upgrade, deno, clock, traffic } = pending();
    const accepted = failure(upgrade.accept(TERMS));
    expect(await upgrade.answer === deno.responses[0]).toBe(true);
    await clock.pass(1_999);
    expect(deno.sockets[0]!.calls).toEqual([]);
    await clock.pass(1);
    expect(deno.sockets[0]!.calls).toEqual([]);
    // After a stall the event loop may have more to tell first.
    await clock.pass(200);
    expect(await accepted).toBeInstanceOf(ConnectionError);
    expect(deno.sockets[0]!.calls).toEqual(["close"]);
    await traffic.over();
    // It opens after all.
    deno.sockets[0]!.open();
    expect(deno.sockets[0]!.calls).toEqual(["close", "close"]);
    deno.sockets[0]!.receive("late");
    deno.sockets[0]!.end(1006, "", false);
    await clock.settle();
    expect(clock.timers).toBe(0);
  });

  it("leaves no timer, and is traffic until it has closed", async () => {
    const { deno, clock, traffic } = await opened();
    expect(clock.timers).toBe(0);
    let isOver = false;
    void traffic.over().then(() => isOver = true);
    await clock.settle();
    expect(isOver).toBe(false);
    deno.sockets[0]!.end(1000);
    await clock.settle();
    expect(isOver).toBe(true);
  });
});

describe("how it ended", () => {
  it("0 is no code: the connection was lost", async () => {
    const { deno, clock, sink } = await opened();
    deno.sockets[0]!.fail(new Error("Unexpected EOF"));
    deno.sockets[0]!.end(0, "", false);
    clock.endTurn();
    expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false });
  });

  it.each([
    ["Connection reset by peer (os error 104)", "ERR_CONNECTION", undefined],
    ["Invalid UTF-8", "ERR_CORRUPTED_FRAME", 1007],
    ["Reserved bits are not zero", "ERR_CORRUPTED_FRAME", 1002],
    ["Invalid value: 3", "ERR_CORRUPTED_FRAME", 1002],
    ["Invalid close frame", "ERR_CORRUPTED_FRAME", 1002],
    ["Ping frame too large", "ERR_CORRUPTED_FRAME", 1002],
    ["Control frame must not be fragmented", "ERR_CORRUPTED_FRAME", 1002],
    ["Invalid continuation frame", "ERR_INVALID_CONTINUATION", 1002],
    ["Frame too large", "ERR_PAYLOAD_TOO_LARGE", 1009],
  ])("what Deno says of it is heard: %s", async (said, code, closeCode) => {
    const { deno, clock, sink } = await opened();
    deno.sockets[0]!.fail(new Error(said));
    deno.sockets[0]!.end(0, "", false);
    clock.endTurn();
    expect(sink.closure).toMatchObject({ code: 1006, clean: false, error: { code } });
    expect((sink.closure!.error as { closeCode?: number }).closeCode).toBe(closeCode);
  });

  it("a ping without an answer says so, and the second close event nothing", async () => {
    const { deno, clock, sink } = await opened();
    deno.sockets[0]!.end(1001, "No response from ping frame.", false);
    deno.sockets[0]!.end(1005, "", true);
    clock.endTurn();
    expect(sink.take()).toEqual(["closed 1006"]);
    expect(sink.closure).toMatchObject({
      code: 1006,
      reason: "",
      clean: false,
      error: { code: "ERR_CONNECTION", message: "The peer did not answer a ping in time" },
    });
    expect(sink.closure).not.toHaveProperty("received");
  });

  it("1005 after our close frame is no answer: Deno says so too when the peer just left", async () => {
    const { deno, socket, clock, sink } = await opened();
    socket.close(4_001, "bye");
    deno.sockets[0]!.end(1005, "", true);
    clock.endTurn();
    expect(sink.closure).toEqual({
      code: 1006,
      reason: "",
      clean: false,
      sent: { code: 4_001, reason: "bye" },
      first: "local",
    });
  });

  it("any other code after ours is the peer's answer", async () => {
    const { deno, socket, clock, sink } = await opened();
    socket.close(4_001, "bye");
    deno.sockets[0]!.end(4_001, "bye", true);
    clock.endTurn();
    expect(sink.closure).toMatchObject({ code: 4_001, clean: true, received: { code: 4_001 }, first: "local" });
  });

  it("1005 is the peer's when it came first", async () => {
    const { deno, clock, sink } = await opened();
    deno.sockets[0]!.end(1005, "", true);
    clock.endTurn();
    expect(sink.closure).toMatchObject({ code: 1005, clean: true, first: "remote" });
  });
});

it("reject answers with the response, and the Server header", async () => {
  const { upgrade, deno } = pending(webRequest(), "hawser");
  await upgrade.reject(new Response("not you", { status: 403 }));
  const answer = await upgrade.answer;
  expect([answer.headers.get("server"), await told(answer), deno.sockets]).toEqual(["hawser", "403 not you", []]);
});
