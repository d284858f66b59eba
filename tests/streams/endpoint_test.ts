import { describe, expect, it } from "vitest";
import { type Closure, ConnectionClosureError, ConnectionError, UnsupportedError } from "../../src/errors.ts";
import { Endpoint, type EndpointOptions, type EndpointReader } from "../../src/streams/endpoint.ts";
import { endpointOptions } from "../support/endpoint_options.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";

function start(options: Partial<EndpointOptions> = {}, more: Partial<EndpointReader> = {}) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const closures: Closure[] = [];
  const endpoint: Endpoint = new Endpoint(
    socket,
    { message: (message) => endpoint.hold(message), closed: (closure) => closures.push(closure), ...more },
    endpointOptions(clock, { readAhead: { messages: 4, bytes: 100 }, ...options }),
  );
  endpoint.start();
  return { clock, socket, endpoint, closures };
}

/** Whether `promise` is settled by now: its word, or its error. */
async function outcome(promise: Promise<unknown> | undefined): Promise<unknown> {
  const pending = Symbol("pending");
  const first = await Promise.race([Promise.resolve(promise).catch((error) => error), soon(pending)]);
  return first === pending ? "pending" : first;
}

async function soon<T>(value: T): Promise<T> {
  for (let i = 0; i < 20; i++) await undefined;
  return value;
}

describe("reading (F1)", () => {
  it("pauses the socket at the mark, and resumes it at half", () => {
    const { socket, endpoint } = start();
    for (const text of ["a", "b", "c"]) socket.sink!.message(text);
    expect(socket.calls).toEqual([]);
    socket.sink!.message("d");
    expect(socket.calls).toEqual(["pause"]);
    endpoint.queue.shift();
    endpoint.released();
    expect(socket.calls).toEqual(["pause"]);
    endpoint.queue.shift();
    endpoint.released();
    expect(socket.calls).toEqual(["pause", "resume"]);
    expect(endpoint.messagesReceived).toBe(4);
  });

  it("closes with 1008 where the runtime cannot pause", () => {
    const { socket, endpoint } = start();
    Object.defineProperty(socket, "pause", { value: undefined });
    for (const text of ["a", "b", "c", "d"]) socket.sink!.message(text);
    expect(socket.calls).toEqual(["close 1008 read-ahead exceeded"]);
    expect(endpoint.queue.length).toBe(4);
  });

  it("reads on after its own close, so that the answer is seen, and drops what finds no room and all behind it", () => {
    const { socket, endpoint } = start();
    for (const text of ["a", "b", "c", "d"]) socket.sink!.message(text);
    void endpoint.close();
    expect(socket.calls).toEqual(["pause", "resume", "close 1000"]);
    expect(endpoint.overflowed).toBe(false);
    socket.sink!.message("lost");
    expect(endpoint.queue.shift()).toBe("a");
    endpoint.released();
    socket.sink!.message("lost too, or there would be a hole");
    expect([endpoint.queue.length, endpoint.overflowed]).toEqual([3, true]);
    expect(socket.calls.filter((call) => call === "pause")).toHaveLength(1);
  });

  it("keeps its pace after a close when somebody reads, until a close that does not care", () => {
    const { socket, endpoint } = start();
    void endpoint.close(1000, "", 60_000, "wait");
    for (const text of ["a", "b", "c", "d"]) socket.sink!.message(text);
    expect(socket.calls).toEqual(["close 1000", "pause"]);
    void endpoint.close();
    expect(socket.calls).toEqual(["close 1000", "pause", "resume"]);
  });

  it("keeps what came when it is closed, and does not resume then", () => {
    const { socket, endpoint } = start();
    for (const text of ["a", "b", "c", "d"]) socket.sink!.message(text);
    socket.end();
    while (endpoint.queue.shift() !== undefined) endpoint.released();
    expect(socket.calls).toEqual(["pause"]);
  });
});

describe("writing (F2)", () => {
  it("allocates nothing while the peer keeps up", () => {
    const { socket, endpoint } = start();
    expect(endpoint.send("a")).toBeUndefined();
    expect(endpoint.write("b")).toBe(endpoint.write("c"));
    expect(socket.sent).toEqual(["a", "b", "c"]);
    expect(endpoint.whenWritable()).toBeUndefined();
  });

  it("waits above the mark until it is drained", async () => {
    const { socket, endpoint } = start();
    socket.writable = false;
    const first = endpoint.write("a");
    const second = endpoint.write("b");
    const room = endpoint.whenWritable();
    expect([await outcome(first), await outcome(second), await outcome(room)]).toEqual([
      "pending",
      "pending",
      "pending",
    ]);
    expect(socket.sent).toEqual(["a", "b"]);
    socket.drain();
    await Promise.all([first, second, room]);
    expect(endpoint.send("c")).toBeUndefined();
  });

  it("wait: holds a copy past maxBufferedAmount, in order, and counts its bytes", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 1_000 });
    socket.writable = false;
    void endpoint.send("x".repeat(1_000));
    const bytes = new Uint8Array([1, 2, 3]);
    const held = endpoint.write(bytes);
    bytes.fill(9);
    const text = endpoint.write("é");
    expect(endpoint.bufferedAmount).toBe(1_000 + 3 + 2);
    expect(socket.sent).toHaveLength(1);
    expect(endpoint.messagesSent).toBe(1);
    socket.drain();
    await Promise.all([held, text]);
    expect(socket.sent.slice(1)).toEqual([new Uint8Array([1, 2, 3]), "é"]);
    expect([endpoint.bufferedAmount, endpoint.messagesSent]).toEqual([0, 3]);
  });

  it("keeps to `compress` however long a write waits, also behind a close", async () => {
    for (const how of ["drained", "closed"]) {
      const { socket, endpoint } = start({ maxBufferedAmount: 200 });
      await endpoint.write("at once", false);
      socket.writable = false;
      void endpoint.write("x".repeat(150), false);
      void endpoint.write("y".repeat(20), false);
      void endpoint.write("held".repeat(10), false);
      void endpoint.write("held, and compressed");
      expect(socket.sent).toHaveLength(3);
      if (how === "drained") socket.drain();
      else void endpoint.close();
      expect(socket.compressed).toEqual([false, false, false, false, true]);
    }
  });

  it("wait: hands over only as much as the socket takes, and resolves each in its turn", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 200 });
    socket.writable = false;
    const first = "x".repeat(200);
    void endpoint.send(first);
    const held = [endpoint.write("a"), endpoint.write("b")] as const;
    socket.bufferedAmount = 0;
    socket.sink!.drained();
    expect(socket.sent).toEqual([first, "a"]);
    expect([await outcome(held[0]), await outcome(held[1])]).toEqual(["pending", "pending"]);
    socket.drain();
    await Promise.all(held);
    expect(socket.sent).toEqual([first, "a", "b"]);
  });

  it("wait: refuses callers that do not, once as much again waits", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 1_000 });
    socket.writable = false;
    void endpoint.send("x".repeat(1_000));
    void endpoint.write("y".repeat(900));
    await expect(endpoint.write("z".repeat(101))).rejects.toThrow(
      "Cannot send a message: 900 bytes of writes wait already",
    );
    expect(endpoint.bufferedAmount).toBe(1_900);
  });

  it("keeps one promise for all who wait for room, however many writes nobody awaits", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 1_000 });
    socket.writable = false;
    const first = endpoint.send("a");
    expect(first).toBeInstanceOf(Promise);
    expect([endpoint.send("b"), endpoint.whenWritable()]).toEqual([first, first]);
    expect(endpoint.send("b")).toBe(first);
    socket.drain();
    await first;
    socket.writable = false;
    expect(endpoint.send("c")).not.toBe(first);
  });

  it("drop: drops past maxBufferedAmount, and counts it", () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 10, bufferPolicy: "drop" });
    socket.writable = false;
    void endpoint.send("0123456789");
    expect(endpoint.send("dropped")).toBeUndefined();
    expect([socket.sent.length, endpoint.messagesDropped, endpoint.bufferedAmount]).toEqual([1, 1, 10]);
  });

  it("close: closes with 1013 past maxBufferedAmount", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 10, bufferPolicy: "close" });
    socket.writable = false;
    const first = endpoint.send("0123456789");
    await expect(endpoint.write("too much")).rejects.toThrow('we closed with 1013 "too slow"');
    expect(socket.calls).toEqual(["send 0123456789", "close 1013 too slow"]);
    await first;
  });

  it("hands everything over before its own close frame", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 200 });
    socket.writable = false;
    const first = "x".repeat(200);
    const writes = [endpoint.write(first), endpoint.write("held"), endpoint.write("too")];
    void endpoint.close(1000, "bye");
    expect(socket.calls).toEqual([`send ${first}`, "send held", "send too", "close 1000 bye"]);
    await Promise.all(writes);
    expect(endpoint.bufferedAmount).toBe(207);
  });

  it.each<[string, (socket: FakeSocket, endpoint: Endpoint) => void]>([
    ["the peer closes", (socket) => socket.sink!.closing?.(1001, "")],
    ["the connection is lost", (socket) => socket.end()],
    ["it is terminated", (_, endpoint) => endpoint.terminate()],
  ])("rejects every write that waits when %s (P5)", async (_, end) => {
    const { socket, endpoint } = start({ maxBufferedAmount: 10 });
    socket.writable = false;
    const writes = [endpoint.write("0123456789"), endpoint.write("held"), endpoint.whenWritable()!];
    end(socket, endpoint);
    for (const write of writes) await expect(write).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(endpoint.write("late")).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(endpoint.whenWritable()).toBeUndefined();
    expect(socket.sent).toEqual(["0123456789"]);
  });
});

describe("writes that nobody awaits", () => {
  it("end no process when the connection is lost", async () => {
    // An unhandled rejection fails the run.
    const { socket, endpoint } = start({ maxBufferedAmount: 10 });
    socket.writable = false;
    void endpoint.write("0123456789");
    void endpoint.write("held");
    void endpoint.whenWritable();
    socket.end();
    void endpoint.write("late");
    await new Promise((resolve) => void setImmediate(resolve));
    expect(socket.sent).toEqual(["0123456789"]);
  });
});

describe("control frames (P1)", () => {
  it("leaves pings to the socket unless the reader takes them", () => {
    expect(start().socket.sink!.ping(new Uint8Array([1]))).toBe(false);
    const pings: Uint8Array[] = [];
    const { socket } = start({}, { ping: (payload) => pings.push(payload) });
    expect(socket.sink!.ping(new Uint8Array([1]))).toBe(true);
    expect(pings).toEqual([new Uint8Array([1])]);
  });

  it("sends at most 125 bytes", () => {
    const { socket, endpoint } = start();
    endpoint.sendPing(new Uint8Array([1]));
    endpoint.sendPong(new Uint8Array([2]));
    expect(() => endpoint.sendPing(new Uint8Array(126))).toThrow(RangeError);
    expect(() => endpoint.sendPong(new Uint8Array(126))).toThrow(RangeError);
    expect(socket.calls).toEqual(["ping 01", "pong 02"]);
    endpoint.sendPing(new Uint8Array(125));
    expect(socket.calls).toHaveLength(3);
  });

  it("says so where the runtime has none, when it is closed, and when too much waits", () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 10 });
    socket.bufferedAmount = 11;
    expect(() => endpoint.sendPing(new Uint8Array(0))).toThrow(ConnectionError);
    Object.defineProperty(socket, "ping", { value: undefined });
    expect(() => endpoint.sendPing(new Uint8Array(0))).toThrow(UnsupportedError);
    socket.end();
    expect(() => endpoint.sendPong(new Uint8Array(0))).toThrow(ConnectionClosureError);
  });

  it("keeps the pongs of keep-alive from the reader, and nobody else's", () => {
    const pongs: Uint8Array[] = [];
    const { clock, socket, endpoint } = start({ pingMs: 1_000, pongMs: 500 }, {
      pong: (payload) => pongs.push(payload),
    });
    clock.advance(1_100);
    expect(socket.calls).toEqual(["ping 68 77 00 00 00 01"]);
    socket.sink!.pong(new Uint8Array([7]));
    socket.sink!.pong(new Uint8Array([0x68, 0x77, 0, 0, 0, 1]));
    expect(pongs).toEqual([new Uint8Array([7])]);
    expect(endpoint.latency).toBeCloseTo(0.1, 1);
  });
});

describe("time (P2, U5)", () => {
  it("gives a dead peer up with the reason", () => {
    const { clock, socket, endpoint } = start({ pingMs: 1_000, pongMs: 500 });
    clock.advance(1_700);
    expect(socket.calls).toEqual(["ping 68 77 00 00 00 01", "destroy"]);
    expect(socket.destroyedWith).toBeInstanceOf(ConnectionError);
    expect(endpoint.state).toBe("closing");
    clock.advance(10_000);
    expect(socket.calls).toHaveLength(2);
  });

  it.each<[string, (socket: FakeSocket) => void]>([
    ["a message", (socket) => socket.sink!.message("x")],
    ["a ping", (socket) => socket.sink!.ping(new Uint8Array(0))],
    ["room for writes", (socket) => socket.drain()],
  ])("takes %s as proof of life, where the runtime counts no bytes", (_, prove) => {
    const { clock, socket } = start({ pingMs: 1_000, pongMs: 500 });
    clock.advance(1_400);
    prove(socket);
    clock.advance(450);
    expect(socket.calls).toEqual(["ping 68 77 00 00 00 01"]);
    clock.advance(200);
    expect(socket.calls.at(-1)).toBe("destroy");
  });

  it("gives the peer its full time from the moment it reads again itself", () => {
    const { clock, socket, endpoint } = start({ pingMs: 1_000, pongMs: 500 });
    clock.advance(900);
    for (const text of ["a", "b", "c", "d"]) socket.sink!.message(text);
    clock.advance(4_125);
    while (endpoint.queue.shift() !== undefined);
    endpoint.released();
    clock.advance(495);
    expect(socket.calls).not.toContain("destroy");
    clock.advance(100);
    expect(socket.calls.at(-1)).toBe("destroy");
  });

  it("tells of idleness again and again; messages and pings end it, pongs do not", () => {
    let idle = 0;
    const { clock, socket } = start({ idleMs: 1_000 }, { idle: () => idle++, message: () => {} });
    clock.advance(900);
    socket.sink!.message("x");
    clock.advance(900);
    socket.sink!.ping(new Uint8Array(0));
    clock.advance(900);
    expect(idle).toBe(0);
    socket.sink!.pong(new Uint8Array(0));
    clock.advance(400);
    expect(idle).toBe(1);
    clock.advance(1_100);
    expect(idle).toBe(2);
  });

  it("is not idle while it does not read itself", () => {
    let idle = 0;
    const { clock, socket, endpoint } = start({ idleMs: 1_000 }, { idle: () => idle++ });
    for (const text of ["a", "b", "c", "d"]) socket.sink!.message(text);
    // Between two looks of the timer: the full time counts from the moment it reads again.
    clock.advance(10_050);
    expect(idle).toBe(0);
    while (endpoint.queue.shift() !== undefined);
    endpoint.released();
    clock.advance(960);
    expect(idle).toBe(0);
    clock.advance(300);
    expect(idle).toBe(1);
  });

  it("leaves no timer behind", () => {
    const { clock, socket, endpoint } = start({ idleMs: 1_000, pingMs: 1_000, pongMs: 1_000 });
    expect(clock.timers).toBe(1);
    void endpoint.close();
    socket.end();
    expect(clock.timers).toBe(0);
  });
});

describe("ending (P3, P5)", () => {
  it("closes once, and a second call gets the first one's promise", async () => {
    const { socket, endpoint, closures } = start();
    const closing = endpoint.close(3000, "bye");
    expect(endpoint.close(1000)).toBe(closing);
    expect([endpoint.state, socket.calls]).toEqual(["closing", ["close 3000 bye"]]);
    socket.end({ code: 3000, clean: true });
    expect((await closing).code).toBe(3000);
    expect([endpoint.state, closures.length]).toEqual(["closed", 1]);
    expect(await endpoint.close()).toBe(closures[0]);
  });

  it.each([[1004, ""], [1005, ""], [999, ""], [5000, ""], [1000.5, ""], [1000, "x".repeat(124)]])(
    "refuses code %d with a reason of a length, and sends nothing",
    (code, reason) => {
      const { socket, endpoint } = start();
      expect(() => endpoint.close(code, reason)).toThrow(RangeError);
      expect([socket.calls, endpoint.state]).toEqual([[], "open"]);
    },
  );

  it("cuts a peer that does not answer in time", async () => {
    const { clock, socket, endpoint } = start({ closeMs: 5_000 });
    const closing = endpoint.close();
    clock.advance(4_999);
    expect(socket.calls).toEqual(["close 1000"]);
    clock.advance(1);
    expect(socket.calls).toEqual(["close 1000", "destroy"]);
    socket.end();
    expect((await closing).clean).toBe(false);
  });

  it("0 resolves at once with what is known, and the connection is cut after the linger", async () => {
    const { clock, socket, endpoint } = start({ lingerMs: 2_000 });
    expect(await endpoint.close(1001, "bye", 0)).toEqual({
      code: 1006,
      reason: "",
      clean: false,
      sent: { code: 1001, reason: "bye" },
      first: "local",
    });
    clock.advance(1_999);
    expect(socket.calls).toEqual(["close 1001 bye"]);
    clock.advance(1);
    expect(socket.calls).toEqual(["close 1001 bye", "destroy"]);
  });

  it("Infinity waits for ever", () => {
    const { clock, endpoint } = start();
    void endpoint.close(1000, "", Infinity);
    expect(clock.timers).toBe(0);
  });

  it("says whose close frame was first while the handshake is under way", () => {
    const remote = start();
    remote.socket.sink!.closing?.(1001, "going");
    expect(remote.endpoint.closedError("Cannot go on").message).toBe(
      'Cannot go on: the peer closed with 1001 "going", then we answered with 1001',
    );
    expect(remote.endpoint.closedError("").closure.first).toBe("remote");
    const local = start();
    void local.endpoint.close(1000, "bye");
    expect(local.endpoint.closedError("Cannot go on").message).toBe(
      'Cannot go on: we closed with 1000 "bye", and the peer has not answered',
    );
    local.socket.sink!.closing?.(1000, "");
    expect(local.endpoint.closedError("").closure).toMatchObject({ code: 1000, clean: true, first: "local" });
  });

  it("lets the reader answer the peer's close in the call that tells of it", () => {
    const { socket, endpoint } = start({}, { closing: () => void endpoint.close(4000, "mine") });
    socket.sink!.closing?.(1000, "");
    expect(socket.calls).toEqual(["close 4000 mine"]);
    expect(endpoint.closedError("").closure).toMatchObject({ sent: { code: 4000 }, first: "remote" });
  });

  it("aborts its signal as soon as nothing can be sent, also when it is asked for afterwards", () => {
    const { socket, endpoint } = start();
    const { signal } = endpoint;
    expect(signal.aborted).toBe(false);
    socket.sink!.closing?.(1000, "");
    expect(signal.reason).toBeInstanceOf(ConnectionClosureError);
    const late = start();
    late.socket.end();
    expect(late.endpoint.signal.aborted).toBe(true);
  });

  it("terminates without a frame, with its error, once", () => {
    const { socket, endpoint } = start();
    const error = new ConnectionError("enough");
    endpoint.terminate(error);
    expect([socket.calls, socket.destroyedWith]).toEqual([["destroy"], error]);
    socket.end();
    endpoint.terminate();
    expect(socket.calls).toEqual(["destroy"]);
  });

  it("tells everybody who asks how it ended, with one promise", async () => {
    const { socket, endpoint } = start();
    expect(endpoint.whenClosed()).toBe(endpoint.whenClosed());
    const told = endpoint.whenClosed();
    socket.end({ reason: "gone" });
    expect((await told).reason).toBe("gone");
    expect(await endpoint.whenClosed()).toBe(endpoint.closure);
  });
});
