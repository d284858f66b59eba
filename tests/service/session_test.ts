import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../src/errors.ts";
import { closeFrame } from "../../src/service/close_frame.ts";
import type { Service } from "../../src/service/service.ts";
import { deferred, serve } from "./serve.ts";

describe("S9: onClose runs exactly once, last", () => {
  function closing(others: Service = {}): [Service, string[]] {
    const log: string[] = [];
    return [{ ...others, onClose: (_caller, code, reason) => void log.push(`${code} ${reason}`.trimEnd()) }, log];
  }

  it("with the peer's code and reason", () => {
    const [service, log] = closing();
    const { socket, ended } = serve(service);
    socket.closeByPeer(4000, "bye");
    expect([log, ended.length]).toEqual([["4000 bye"], 1]);
  });

  it("with 1005 when the frame had no code", () => {
    const [service, log] = closing();
    serve(service).socket.closeByPeer(1005);
    expect(log).toEqual(["1005"]);
  });

  it("with 1006 on loss", () => {
    const [service, log] = closing();
    serve(service).socket.end();
    expect(log).toEqual(["1006"]);
  });

  it("after our own close, with the peer's answer", () => {
    const [service, log] = closing();
    const { caller, socket } = serve(service);
    void caller.close(4000, "ours");
    expect(log).toEqual([]);
    socket.closeByPeer(4000);
    expect(log).toEqual(["4000"]);
  });

  it("after our own close without an answer, with 1006", () => {
    const [service, log] = closing();
    const { caller, socket, clock } = serve(service, { connectionClosureTimeout: 5 });
    void caller.close();
    clock.advance(4_999);
    expect(socket.calls).toEqual(["close 1000"]);
    clock.advance(1);
    expect(socket.calls).toEqual(["close 1000", "destroy"]);
    socket.end({ sent: { code: 1000, reason: "" } });
    expect(log).toEqual(["1006"]);
  });

  it("behind the messages that came before the peer's close", async () => {
    const busy = deferred();
    const log: string[] = [];
    const { socket, receive, clock, ended } = serve({
      async onTextMessage(_caller, text) {
        await busy.promise;
        log.push(text);
      },
      onClose: (_caller, code) => void log.push(`${code}`),
    });
    receive("one", "two");
    socket.closeByPeer(1000);
    await clock.settle();
    expect([log, ended.length]).toEqual([[], 0]);
    busy.resolve();
    await clock.settle();
    expect([log, ended.length]).toEqual([["one", "two", "1000"], 1]);
  });

  it("behind an onOpen that takes its time", async () => {
    const busy = deferred();
    const [service, log] = closing({ onOpen: () => busy.promise });
    const { socket, clock } = serve(service);
    socket.closeByPeer(1000);
    expect(log).toEqual([]);
    busy.resolve();
    await clock.settle();
    expect(log).toEqual(["1000"]);
  });
});

describe("S9: the answer to the peer's close", () => {
  it.each<[string, Service["onClose"]]>([
    ["a close frame that onClose returns", () => closeFrame(4001, "mine")],
    ["a close inside onClose", (caller) => caller.close(4001, "mine")],
  ])("%s, when nothing was running", (_name, onClose) => {
    const { socket } = serve({ onClose: onClose! });
    socket.sink!.closing!(4000, "yours");
    expect(socket.calls).toEqual(["close 4001 mine"]);
  });

  it("is left to the socket, which echoes, when onClose returns nothing or something else", () => {
    for (const returned of [undefined, true, "text", new Set()]) {
      const { socket, errors } = serve({ onClose: () => returned });
      socket.sink!.closing!(4000, "yours");
      expect([socket.calls, errors]).toEqual([[], []]);
    }
  });

  it("comes too late from an onClose that takes its time, or that had to wait", async () => {
    const busy = deferred();
    const late = serve({ onClose: () => Promise.resolve(closeFrame(4001)) });
    late.socket.sink!.closing!(4000, "");
    const waiting = serve({ onTextMessage: () => busy.promise, onClose: () => closeFrame(4001) });
    waiting.receive("x");
    waiting.socket.sink!.closing!(4000, "");
    busy.resolve();
    await late.clock.settle();
    await waiting.clock.settle();
    expect([late.socket.calls, waiting.socket.calls]).toEqual([[], []]);
  });
});

describe("S7: onClose that fails", () => {
  it.each<[string, () => unknown]>([
    ["throws", () => {
      throw new Error("boom");
    }],
    ["rejects", () => Promise.reject(new Error("boom"))],
    ["returns an Error", () => new Error("boom")],
    ["resolves with an Error", () => Promise.resolve(new Error("boom"))],
  ])("%s: told to the listener, not to onError; the close is echoed and the session ends", async (_how, onClose) => {
    let heard = 0;
    const { socket, clock, errors, ended } = serve({ onClose, onError: () => void heard++ });
    socket.closeByPeer(1000);
    await clock.settle();
    expect([errors, heard, socket.calls, ended.length]).toEqual([["report: Error: boom"], 0, [], 1]);
  });
});

describe("U5: idleness", () => {
  it("without onIdleTimeout closes with 1001", () => {
    const { socket, clock, receive } = serve({ onTextMessage: () => undefined }, { idleTimeout: 10 });
    clock.advance(9_000);
    receive("x");
    clock.advance(9_000);
    socket.sink!.ping(Uint8Array.of(1));
    clock.advance(9_000);
    expect(socket.calls).toEqual([]);
    clock.advance(2_000);
    expect(socket.calls).toEqual(["close 1001 idle timeout"]);
  });

  it("with it, leaves that to the service, again and again", async () => {
    let times = 0;
    const { socket, clock } = serve({
      onIdleTimeout: () => ++times === 1 ? "still there?" : Promise.resolve(closeFrame(4000, "gone")),
    }, { idleTimeout: 10 });
    clock.advance(11_000);
    expect(socket.calls).toEqual(["send still there?"]);
    clock.advance(11_000);
    await clock.settle();
    expect(socket.calls).toEqual(["send still there?", "close 4000 gone"]);
  });

  it("a failing onIdleTimeout is a failing handler", () => {
    const { socket, clock, errors } = serve({
      onIdleTimeout() {
        throw new Error("boom");
      },
    }, { idleTimeout: 10 });
    clock.advance(11_000);
    expect([socket.calls, errors]).toEqual([["close 1011 internal error"], ["report: Error: boom"]]);
  });
});

describe("the end of a session", () => {
  it.each(["ping", "close"])(
    "comes when the connection is gone and the last handler (%s) has ended, and once",
    async (last) => {
      const [message, ping, close] = [deferred(), deferred(), deferred()];
      const { socket, receive, clock, ended } = serve({
        onTextMessage: () => message.promise,
        onPing: () => ping.promise,
        onClose: () => close.promise,
      });
      receive("x");
      socket.sink!.ping(Uint8Array.of(1));
      socket.closeByPeer(1000);
      for (const { resolve } of last === "ping" ? [message, close, ping] : [message, ping, close]) {
        await clock.settle();
        expect(ended).toEqual([]);
        resolve();
      }
      await clock.settle();
      expect(ended).toEqual([expect.objectContaining({ code: 1000, clean: true })]);
    },
  );

  it("P2: a dead peer is noticed, and told to onError and onClose", () => {
    const log: unknown[] = [];
    const { socket, clock, ended } = serve({
      onError: (_caller, error) => void log.push(error),
      onClose: (_caller, code) => void log.push(code),
    }, { pingInterval: 30, pongTimeout: 30 });
    clock.advance(31_000);
    expect(socket.calls).toEqual([expect.stringMatching(/^ping /)]);
    clock.advance(31_000);
    expect(socket.calls.at(-1)).toBe("destroy");
    socket.end({ error: socket.destroyedWith! });
    expect(log).toEqual([expect.any(ConnectionError), 1006]);
    expect([ended.length, clock.timers]).toEqual([1, 0]);
  });
});
