import { describe, expect, it } from "vitest";
import { ConnectionClosureError } from "../../src/errors.ts";
import { serve } from "./serve.ts";

describe("S10: writing", () => {
  it("writeMessage serialises, writeTextMessage and writeBinaryMessage send as they say", async () => {
    const { caller, socket } = serve({});
    await caller.writeMessage({ a: 1 });
    await caller.writeMessage("text");
    await caller.writeTextMessage("more");
    await caller.writeBinaryMessage(Uint8Array.of(1));
    await caller.writeBinaryMessage(Uint8Array.of(2).buffer);
    expect(socket.sent).toEqual(['{"a":1}', "text", "more", Uint8Array.of(1), Uint8Array.of(2)]);
    expect([caller.messagesSent, caller.messagesReceived]).toEqual([5, 0]);
  });

  it("of another kind is a TypeError at once", () => {
    const { caller, socket } = serve({});
    expect(() => void caller.writeMessage(new Map())).toThrow(TypeError);
    expect(() => void caller.writeTextMessage(5 as never)).toThrow(TypeError);
    expect(() => void caller.writeBinaryMessage("x" as never)).toThrow(TypeError);
    expect(() => caller.ping("x" as never)).toThrow(TypeError);
    expect(socket.calls).toEqual([]);
  });

  it("F2: a promise of a write waits while the peer is slow", async () => {
    const { caller, socket } = serve({});
    socket.writable = false;
    let room = false;
    const write = caller.writeTextMessage("x").then(() => room = true);
    await Promise.resolve();
    expect([room, caller.bufferedAmount]).toEqual([false, 1]);
    socket.drain();
    await write;
    expect(caller.bufferedAmount).toBe(0);
  });

  it("P5: rejects once closed, and pings throw", async () => {
    const { caller } = serve({});
    void caller.close();
    await expect(caller.writeMessage("x")).rejects.toThrow(ConnectionClosureError);
    expect(() => caller.ping()).toThrow(ConnectionClosureError);
    expect(() => caller.pong()).toThrow(ConnectionClosureError);
  });

  it("P1: pings and pongs carry 125 bytes at most", () => {
    const { caller, socket } = serve({});
    caller.ping();
    caller.ping(Uint8Array.of(1));
    caller.pong(Uint8Array.of(2).buffer);
    expect(() => caller.ping(new Uint8Array(126))).toThrow(RangeError);
    expect(() => caller.pong(new Uint8Array(126))).toThrow(RangeError);
    expect(socket.calls).toEqual(["ping ", "ping 01", "pong 02"]);
  });
});

describe("P3: close", () => {
  it("sends the code and reason, 1000 and none by default", async () => {
    const one = serve({});
    const closed = one.caller.close();
    one.socket.closeByPeer(1000);
    expect([one.socket.calls, (await closed).code]).toEqual([["close 1000"], 1000]);
    const two = serve({});
    void two.caller.close(4000, "bye");
    expect(two.socket.calls).toEqual(["close 4000 bye"]);
  });

  it.each([[5555, ""], [1005, ""], [1000, "x".repeat(124)]])(
    "code %i, reason %j: a RangeError, nothing sent",
    (code, reason) => {
      const { caller, socket } = serve({});
      expect(() => void caller.close(code, reason)).toThrow(RangeError);
      expect([socket.calls, caller.isOpen()]).toEqual([[], true]);
    },
  );

  it.each([-2, NaN, 1e17, "5"])("a timeout of %s is refused, and nothing is sent", (timeout) => {
    const { caller, socket } = serve({});
    const kind = typeof timeout === "number" ? RangeError : TypeError;
    expect(() => void caller.close(1000, "", timeout as number)).toThrow(kind);
    expect(socket.calls).toEqual([]);
  });

  it("waits for connectionClosureTimeout, or as long as it is told; a fraction counts", () => {
    const waits = (timeout?: number): number => {
      const { caller, socket, clock } = serve({}, { connectionClosureTimeout: 3, closeLinger: 1 });
      void caller.close(1000, "", timeout);
      let ms = 0;
      while (!socket.calls.includes("destroy") && ms < 200_000) {
        clock.advance(100);
        ms += 100;
      }
      return ms;
    };
    expect([waits(), waits(0.5), waits(7), waits(-1)]).toEqual([3_000, 500, 7_000, 200_000]);
  });

  it("0 resolves at once; a second close is the same promise", async () => {
    const { caller, socket } = serve({});
    const closed = caller.close(4000, "", 0);
    expect(caller.close(4001)).toBe(closed);
    await expect(closed).resolves.toMatchObject({ sent: { code: 4000 }, clean: false });
    expect(socket.calls).toEqual(["close 4000"]);
  });

  it("terminate sends no close frame", () => {
    const { caller, socket } = serve({});
    caller.terminate();
    expect([socket.calls, caller.isOpen()]).toEqual([["destroy"], false]);
  });
});

describe("S10: what is known of the peer", () => {
  it("attributes", () => {
    const { caller } = serve({});
    expect([caller.getAttribute("a"), caller.removeAttribute("a")]).toEqual([undefined, undefined]);
    caller.setAttribute("a", 1);
    caller.setAttribute("__proto__", 2);
    expect([caller.getAttribute("a"), caller.getAttribute("__proto__"), caller.getAttribute("toString")])
      .toEqual([1, 2, undefined]);
    expect([caller.removeAttribute("a"), caller.getAttribute("a")]).toEqual([1, undefined]);
  });

  it("the request, the address, the identity, the sub-protocol", () => {
    const { caller, socket } = serve({});
    expect(caller.request.url).toBe("http://hawser.test/chat?room=1");
    expect(caller.request.headers.get("X-One")).toBe("1");
    expect([caller.remoteAddress, caller.isSecure(), caller.auth]).toEqual(["192.0.2.7", false, undefined]);
    expect(caller.getNegotiatedSubProtocol()).toBeUndefined();
    socket.protocol = "chat.v1";
    expect(caller.getNegotiatedSubProtocol()).toBe("chat.v1");
  });

  it("a connection id, the same at every call", () => {
    const { caller } = serve({});
    expect(caller.getConnectionId()).toBe("ab".repeat(16));
    expect(caller.getConnectionId()).toBe(caller.getConnectionId());
  });

  it("the signal, isOpen and the counts follow the connection", () => {
    const { caller, socket, receive } = serve({});
    receive("one", "two");
    expect([caller.isOpen(), caller.signal.aborted, caller.messagesReceived]).toEqual([true, false, 2]);
    socket.end();
    expect([caller.isOpen(), caller.signal.aborted]).toEqual([false, true]);
  });

  it("P2: latency, in seconds", () => {
    const { caller, socket, clock } = serve({}, { pingInterval: 1, pongTimeout: 30 });
    expect(caller.latency).toBeUndefined();
    clock.advance(1_100);
    const [, hex = ""] = socket.calls[0]!.split("ping ");
    const payload = Uint8Array.from(hex.split(" "), (byte) => parseInt(byte, 16));
    clock.advance(250);
    socket.sink!.pong(payload);
    expect(caller.latency).toBeGreaterThanOrEqual(0.25);
    expect(caller.latency).toBeLessThan(0.5);
  });
});
