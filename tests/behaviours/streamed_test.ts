/** Row F3: a message larger than memory, in parts out and in. */

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  broadcast,
  type Caller,
  type ClientConfiguration,
  ConnectionClosureError,
  ConnectionError,
  type MessageStream,
  type Service,
  UnsupportedError,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import type { FramePeer, SeenFrame } from "../support/frame_peer.ts";
import { differs, refuses } from "../support/host.ts";
import { deferred, expectRefused, failure, onSockets, switching } from "../support/on_sockets.ts";
import { LARGE, type LargeReport } from "../support/large_message.ts";
import { runProgram, startServer } from "../support/program.ts";
import { partsOf } from "../support/stream_parts.ts";

const { whenOver, listen, connect, upgraded, server, clientAndServer } = onSockets();

/** Where messages have no parts, what a handler would never get in parts is refused. */
const noStreamsIn = () => expectRefused({ onMessageStream() {} }, "onMessageStream");
const RECEIVING = {
  "deno native": refuses("deno-no-frames", noStreamsIn),
  "bun native": refuses("bun-no-frames", noStreamsIn),
};

/** And what would have to be sent in parts is refused too, before anything is touched. */
async function noStreamsOut(): Promise<void> {
  const stream = new ReadableStream<string>();
  const refused = deferred<unknown>();
  const { url } = await listen({
    async onOpen(caller) {
      try {
        await caller.writeMessage(stream);
      } catch (error) {
        refused.resolve(error);
      }
      return "alive";
    },
  });
  const client = await connect(url);
  expect(await client.readTextMessage()).toBe("alive");
  const error = await refused.promise;
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(error).toMatchObject({ feature: "streamed message" });
  expect(stream.locked).toBe(false);
}
const SENDING = {
  "deno native": refuses("deno-no-frames", noStreamsOut),
  "bun native": refuses("bun-no-frames", noStreamsOut),
};

/** A stream that a test feeds, and the reason for which it was cancelled. */
function fed<Part = string>() {
  let controller!: ReadableStreamDefaultController<Part>;
  const cancelled = deferred<unknown>();
  const stream = new ReadableStream<Part>({
    start: (its) => void (controller = its),
    cancel: cancelled.resolve,
  }, { highWaterMark: 0 });
  return { stream, controller, cancelled: cancelled.promise };
}

async function* of<Part>(...parts: Part[]): AsyncGenerator<Part> {
  yield* parts;
}

/** The frames up to the last one of a message. */
async function framesOf(peer: FramePeer): Promise<SeenFrame[]> {
  const frames: SeenFrame[] = [];
  for (;;) {
    const frame = await peer.next();
    frames.push(frame);
    if (frame.fin && frame.opcode < 8) return frames;
  }
}

interface Sender {
  /** Sends as its user does. */
  readonly write: (value: unknown) => Promise<void>;
  readonly end: Pick<Caller, "bufferedAmount" | "isOpen" | "close" | "ping">;
  readonly peer: FramePeer;
}

/** A client, or a caller, and its peer. */
const SENDERS: Record<"client" | "caller", (options?: UpgradeServiceOptions & ClientConfiguration) => Promise<Sender>> =
  {
    async client(options) {
      const { client, peer } = await clientAndServer(options);
      return { write: (value) => client.writeMessage(value), end: client, peer };
    },
    async caller(options) {
      const opened = deferred<Caller>();
      const { port } = await listen({ onOpen: (caller) => opened.resolve(caller), onError() {} }, options);
      const peer = await upgraded(port);
      const caller = await opened.promise;
      return { write: (value) => caller.writeMessage(value), end: caller, peer };
    },
  };

describe.each(["client", "caller"] as const)("a %s that streams a message out", (who) => {
  const start = SENDERS[who];
  const sending = who === "client" ? {} : SENDING;

  it(
    `F3: a ${who}'s stream goes as one message in fragments, each when it comes, and uncompressed`,
    differs(sending, async () => {
      const { write, peer } = await start();
      const { stream, controller } = fed();
      const written = write(stream);
      controller.enqueue("a\ud834");
      expect(await peer.next()).toMatchObject({ opcode: 1, fin: false, compressed: false, text: "a" });
      controller.enqueue("\udd1e".concat("x".repeat(5_000)));
      expect(await peer.next()).toMatchObject({ opcode: 0, fin: false, text: "𝄞" + "x".repeat(5_000) });
      controller.close();
      await written;
      expect(await peer.next()).toMatchObject({ opcode: 0, fin: true, text: "" });
      await write(of<Uint8Array | ArrayBuffer>(Uint8Array.of(1), Uint8Array.of(2).buffer));
      const frames = await framesOf(peer);
      expect(frames.map(({ opcode, fin, payload }) => [opcode, fin, ...payload])).toEqual([
        [2, false, 1],
        [0, false, 2],
        [0, true],
      ]);
      await write(new ReadableStream({ start: (controller) => controller.close() }));
      expect(await peer.next()).toMatchObject({ opcode: 2, fin: true, text: "" });
    }),
  );

  it(
    `F3: other messages of a ${who} wait behind a streamed one in order, and control frames pass`,
    differs(sending, async () => {
      const { write, end, peer } = await start();
      const [one, two] = [fed(), fed()];
      const writes = [write(one.stream), write("behind"), write(two.stream), write({ last: true })];
      one.controller.enqueue("a");
      expect(await peer.next()).toMatchObject({ opcode: 1, fin: false, text: "a" });
      expect(end.bufferedAmount).toBe(19);
      await peer.send({ opcode: 9, payload: "?" });
      expect(await peer.next()).toMatchObject({ opcode: 10, text: "?" });
      end.ping(Uint8Array.of(33));
      expect(await peer.next()).toMatchObject({ opcode: 9, text: "!" });
      one.controller.enqueue("b");
      one.controller.close();
      two.controller.enqueue("c");
      two.controller.close();
      await Promise.all(writes);
      const seen: string[] = [];
      for (let i = 0; i < 4; i++) seen.push((await framesOf(peer)).map(({ text }) => text).join(""));
      expect(seen).toEqual(["b", "behind", "c", '{"last":true}']);
      expect(end.bufferedAmount).toBe(0);
    }),
  );

  it(
    `F3: parts of a ${who}'s message are asked for at the peer's pace, and split at maxFrameSize`,
    differs(sending, async () => {
      const { write, end, peer } = await start({ maxFrameSize: 1_000 });
      peer.socket.pause();
      let asked = 0;
      const part = "é".repeat(50_000);
      const written = write(
        new ReadableStream<string>({
          pull(controller) {
            if (asked++ === 1_000) controller.close();
            else controller.enqueue(part);
          },
        }, { highWaterMark: 0 }),
      );
      let before = -1;
      while (asked === 0 || asked !== before) {
        before = asked;
        for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
      }
      // The system takes some; of the 100 MB nearly nothing waits here.
      expect(asked).toBeLessThan(200);
      expect(end.bufferedAmount).toBeLessThan(1_000_000);
      expect(end.bufferedAmount).toBeGreaterThan(0);
      peer.socket.resume();
      const first = await peer.next();
      expect([first.opcode, first.payload.length, first.text.includes("\ufffd")]).toEqual([1, 1_000, false]);
      peer.socket.destroy();
      await expect(written).rejects.toThrow(ConnectionClosureError);
    }),
  );

  it(
    `F3: a ${who}'s source that fails in the middle closes with 1011, and before the first part leaves the connection`,
    differs(sending, async () => {
      const { write, end, peer } = await start();
      const disk = new Error("no disk");
      await expect(write(new ReadableStream({ pull: () => Promise.reject(disk) }))).rejects.toBe(disk);
      await expect(write(of(7))).rejects.toThrow(TypeError);
      expect(end.isOpen()).toBe(true);
      const written = write((async function* () {
        yield "a";
        throw disk;
      })());
      const behind = write("behind");
      expect(await peer.next()).toMatchObject({ opcode: 1, fin: false, text: "a" });
      expect(await peer.next()).toMatchObject({
        opcode: 8,
        code: 1011,
        text: expect.stringMatching(/streaming failed: no disk$/),
      });
      await expect(written).rejects.toBe(disk);
      await expect(behind).rejects.toThrow(ConnectionClosureError);
    }),
  );

  it(
    `F3: text and bytes in one message of a ${who} are a TypeError, and close with 1011`,
    differs(sending, async () => {
      const { write, peer } = await start();
      const { stream, controller, cancelled } = fed<string | Uint8Array>();
      const written = write(stream);
      controller.enqueue(Uint8Array.of(1));
      controller.enqueue("a");
      await expect(written).rejects.toThrow("behind binary parts comes a text one");
      expect(await cancelled).toBeInstanceOf(TypeError);
      expect(await peer.closeCode()).toBe(1011);
    }),
  );

  it(
    `F3: a ${who}'s source is cancelled when the peer leaves, when we close, and when nothing can be sent any more`,
    differs(sending, async () => {
      const lost = await start();
      const [one, two] = [fed(), fed()];
      const writes = [lost.write(one.stream), lost.write(two.stream)];
      one.controller.enqueue("a");
      expect(await lost.peer.nextText()).toBe("a");
      lost.peer.socket.destroy();
      for (const written of writes) await expect(written).rejects.toThrow(ConnectionClosureError);
      expect(await one.cancelled).toBeInstanceOf(ConnectionClosureError);
      expect(await two.cancelled).toBeInstanceOf(ConnectionClosureError);
      const late = fed();
      await expect(lost.write(late.stream)).rejects.toThrow(ConnectionClosureError);
      expect(await late.cancelled).toBeInstanceOf(ConnectionClosureError);

      const closed = await start();
      const three = fed();
      const written = closed.write(three.stream);
      three.controller.enqueue("a");
      expect(await closed.peer.nextText()).toBe("a");
      void closed.end.close(1000);
      await expect(written).rejects.toThrow(ConnectionClosureError);
      expect(await three.cancelled).toBeInstanceOf(ConnectionClosureError);
      expect(await closed.peer.next()).toMatchObject({ opcode: 8, code: 1000 });
    }),
  );
});

describe("streaming out beside the rest", () => {
  it(
    "F3: a broadcast and a handler's answers wait behind a caller's streamed message",
    differs(SENDING, async () => {
      const { stream, controller } = fed();
      const callers: Caller[] = [];
      const { port } = await listen({
        onOpen(caller) {
          callers.push(caller);
          void caller.writeMessage(stream);
        },
        onTextMessage: (_caller, text) => text,
      });
      const peer = await upgraded(port);
      controller.enqueue("a");
      expect(await peer.nextText()).toBe("a");
      expect(broadcast(callers, "to all")).toEqual({ sent: 1, dropped: 0, closed: 0 });
      await peer.text("answer");
      await peer.send({ opcode: 9, payload: "heard" });
      expect(await peer.next()).toMatchObject({ opcode: 10, text: "heard" });
      controller.close();
      expect((await framesOf(peer)).map(({ text }) => text)).toEqual([""]);
      expect([await peer.nextText(), await peer.nextText()].sort()).toEqual(["answer", "to all"]);
    }),
  );

  it("F3: a slow peer has writeTimeout for each part, and then the connection is closed", async () => {
    const { client, peer } = await clientAndServer({ writeTimeout: 0.05, maxBufferedAmount: 1_000 });
    peer.socket.pause();
    const part = new Uint8Array(1_000_000);
    const written = client.writeMessage(new ReadableStream({ pull: (controller) => controller.enqueue(part) }));
    expect(await failure(written)).toMatchObject({ code: "ERR_WRITE_TIMED_OUT" });
    expect(client.isOpen()).toBe(false);
    client.terminate();
  });

  it("F3: a client that reconnects keeps no streamed message, and says so", async () => {
    const { client, peer } = await clientAndServer({ retryConfig: { interval: 60, jitter: false } });
    const one = fed();
    const written = client.writeMessage(one.stream);
    one.controller.enqueue("a");
    expect(await peer.nextText()).toBe("a");
    const kept = client.writeMessage("kept");
    kept.catch(() => {});
    peer.socket.destroy();
    expect(await failure(written)).toBeInstanceOf(ConnectionClosureError);
    expect(await one.cancelled).toBeInstanceOf(ConnectionClosureError);
    const two = fed();
    const error = await failure(client.writeMessage(two.stream));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).not.toBeInstanceOf(ConnectionClosureError);
    expect(String(error)).toContain("there is no connection, and it cannot wait for one");
    await two.cancelled;
    // What is not streamed waits for the next connection, as ever.
    expect(client.bufferedAmount).toBe(4);
  });

  it("F3: a stream that somebody reads is refused at once", async () => {
    const { client } = await clientAndServer();
    const stream = new ReadableStream();
    stream.getReader();
    expect(() => client.writeMessage(stream)).toThrow(TypeError);
    expect(client.isOpen()).toBe(true);
  });
});

interface Receiver {
  /** The next message, as its user gets it. */
  readonly read: () => Promise<MessageStream>;
  readonly peer: FramePeer;
  readonly ended: Promise<{ code: number; error: string | undefined }>;
}

const RECEIVERS: Record<
  "client" | "service",
  (options?: UpgradeServiceOptions & ClientConfiguration) => Promise<Receiver>
> = {
  async client(options) {
    const { client, peer } = await clientAndServer({ messageStreams: true, ...options });
    const ended = client.closed.then(({ code, error }) => ({ code, error: error?.code }));
    return { read: () => client.readMessageStream(), peer, ended };
  },
  async service(options) {
    const waiting: ((message: MessageStream) => void)[] = [];
    const here: [MessageStream, () => void][] = [];
    const ended = deferred<{ code: number; error: string | undefined }>();
    let error: string | undefined;
    let leave = (): void => {};
    const service: Service = {
      // A handler lasts until the next message is asked for.
      onMessageStream: (_caller, message) =>
        new Promise((resolve) => {
          const done = (): void => resolve(undefined);
          const take = waiting.shift();
          if (take === undefined) return void here.push([message, done]);
          leave = done;
          take(message);
        }),
      onError: (_caller, failed) => void (error = (failed as { code?: string }).code),
      onClose: (_caller, code) => ended.resolve({ code, error }),
    };
    const { port } = await listen(service, options);
    const read = (): Promise<MessageStream> => {
      leave();
      const first = here.shift();
      if (first === undefined) return new Promise((resolve) => waiting.push(resolve));
      leave = first[1];
      return Promise.resolve(first[0]);
    };
    return {
      read,
      peer: await upgraded(port),
      ended: ended.promise.then((end) => end),
    };
  },
};

describe.each(["client", "service"] as const)("a %s that reads a message in parts", (who) => {
  const start = RECEIVERS[who];
  const receiving = who === "client" ? {} : RECEIVING;

  it(
    `F3: a ${who} reads a message while it comes, of either kind, and beyond maxMessageSize`,
    differs(receiving, async () => {
      const { read, peer } = await start({ maxMessageSize: 10, maxFragments: 2 });
      await peer.send({ opcode: 1, fin: false, payload: "0123456789€" });
      const text = await read();
      expect(text.kind).toBe("text");
      const reader = text.getReader();
      expect(await reader.read()).toEqual({ done: false, value: "0123456789€" });
      // A character is never split, whoever splits it.
      await peer.send({ opcode: 0, fin: false, payload: Uint8Array.of(0x61, 0xf0, 0x9d) });
      expect(await reader.read()).toEqual({ done: false, value: "a" });
      await peer.send({ opcode: 0, fin: false, payload: Uint8Array.of(0x84) }, { opcode: 9, payload: "!" });
      expect(await peer.next()).toMatchObject({ opcode: 10, text: "!" });
      await peer.send({ opcode: 0, payload: Uint8Array.of(0x9e) });
      expect(await reader.read()).toEqual({ done: false, value: "𝄞" });
      expect(await reader.read()).toMatchObject({ done: true });
      await peer.send({ opcode: 2, payload: new Uint8Array(100_000).fill(7) }, { opcode: 1, payload: "short" });
      const bytes = await read();
      const parts = await partsOf(bytes) as Uint8Array[];
      expect([bytes.kind, parts.reduce((sum, { length }) => sum + length, 0)]).toEqual(["binary", 100_000]);
      expect(parts.every((part) => part.every((byte) => byte === 7))).toBe(true);
      const whole = await read();
      expect([whole.kind, await partsOf(whole)]).toEqual(["text", ["short"]]);
    }),
  );

  it(
    `F3: a ${who} that reads slowly holds the peer back within readAhead`,
    differs(receiving, async () => {
      const { read, peer } = await start({ readAhead: { bytes: 100_000 } });
      const next = read();
      const part = peer.encode({ opcode: 0, fin: false, payload: new Uint8Array(100_000).fill(1) });
      await peer.send({ opcode: 2, fin: false, payload: "x" });
      const message = await next;
      let written = 1;
      while (peer.socket.writableLength < 4_000_000) {
        peer.socket.write(part);
        written += 100_000;
        await new Promise((resolve) => setImmediate(resolve));
      }
      peer.socket.write(peer.encode({ opcode: 0 }));
      let read_ = 0;
      for (const bytes of await partsOf(message) as Uint8Array[]) read_ += bytes.length;
      expect(read_).toBe(written);
    }),
  );

  it(
    `F3: a message that a ${who} cancels is dropped to its end, and the next one reads cleanly`,
    differs(receiving, async () => {
      const { read, peer } = await start({ readAhead: { bytes: 1_000 } });
      await peer.send({ opcode: 2, fin: false, payload: new Uint8Array(50_000) });
      const message = await read();
      await message.cancel("enough");
      for (let i = 0; i < 20; i++) await peer.send({ opcode: 0, fin: false, payload: new Uint8Array(100_000) });
      await peer.send({ opcode: 0, payload: "end" }, { opcode: 1, payload: "next" });
      expect(await partsOf(await read())).toEqual(["next"]);
    }),
  );

  it(
    `F3: a message that is cut fails for a ${who}, and never looks whole`,
    differs(receiving, async () => {
      for (const cut of ["socket", "close"] as const) {
        // The close frame tells it, and not the end of the connection.
        const { read, peer, ended } = await start({ closeLinger: 60 });
        await peer.send({ opcode: 1, fin: false, payload: "half" });
        const message = await read();
        const parts = partsOf(message);
        if (cut === "socket") peer.socket.destroy();
        else await peer.close(1000);
        expect(await parts).toEqual(["half", "ConnectionClosureError"]);
        if (cut === "close") peer.socket.end();
        void read().catch(() => {});
        expect((await ended).code).toBe(cut === "socket" ? 1006 : 1000);
      }
    }),
  );

  const BAD: Record<string, { code: number; section: string; send: (peer: FramePeer) => Promise<void> }> = {
    "bytes that are no UTF-8, at its end": {
      code: 1007,
      section: "ERR_CORRUPTED_FRAME",
      send: (peer) => peer.send({ opcode: 0, payload: Uint8Array.of(0x61, 0xff) }),
    },
    "an end inside a character": {
      code: 1007,
      section: "ERR_CORRUPTED_FRAME",
      send: (peer) => peer.send({ opcode: 0, payload: Uint8Array.of(0xe2, 0x82) }),
    },
    "RSV1 in a continuation": {
      code: 1002,
      section: "ERR_CORRUPTED_FRAME",
      send: (peer) => peer.send({ opcode: 0, rsv: 4, payload: "x" }),
    },
    "another message inside": {
      code: 1002,
      section: "ERR_INVALID_CONTINUATION",
      send: (peer) => peer.send({ opcode: 1, payload: "x" }),
    },
    "a length that no number holds": {
      code: 1009,
      section: "ERR_PAYLOAD_TOO_LARGE",
      send: (peer) => peer.send({ opcode: 0, length: 2n ** 63n - 1n, payload: "x" }),
    },
  };
  it.each(Object.keys(BAD))(
    `F3: a ${who}'s message in parts with %s ends as documented`,
    differs(receiving, async (name) => {
      const { code, section, send } = BAD[name]!;
      const { read, peer, ended } = await start();
      await peer.send({ opcode: 1, fin: false, payload: "good" });
      const message = await read();
      await send(peer);
      expect(await peer.closeCode()).toBe(code);
      peer.socket.end();
      expect((await partsOf(message)).at(-1)).toBe("ConnectionClosureError");
      void read().catch(() => {});
      expect((await ended).error).toMatch(who === "client" ? section : /ERR_/);
    }),
  );

  it(
    `F3: many tiny fragments cost a ${who} no more than readAhead, and silence no more than messageTimeout`,
    differs(receiving, async () => {
      const { read, peer } = await start({ readAhead: { messages: 8 }, messageTimeout: 0.3, maxFragments: 4 });
      await peer.send({ opcode: 2, fin: false, payload: "a" });
      const message = await read();
      const tiny = peer.encode(...Array.from({ length: 5_000 }, () => ({ opcode: 0, fin: false, payload: "a" })));
      await peer.raw.write(tiny);
      await peer.raw.write(peer.encode(...Array.from({ length: 5_000 }, () => ({ opcode: 0, fin: false }))));
      await peer.send({ opcode: 0, fin: false, payload: "z" });
      const reader = message.getReader();
      let count = 0;
      for (let last = ""; last !== "z";) {
        const { value } = await reader.read();
        last = new TextDecoder().decode(value as Uint8Array).at(-1)!;
        count += (value as Uint8Array).length;
      }
      expect(count).toBe(5_002);
      expect(await peer.closeFrame()).toMatchObject({
        code: 1008,
        text: expect.stringMatching(/not finished in time$/),
      });
    }),
  );

  it(
    `F3: a ${who} may limit what it reads in parts, which compressed messages never are`,
    differs(receiving, async () => {
      const { read, peer } = await start({ maxStreamedMessageSize: 100 });
      await peer.send({ opcode: 2, fin: false, payload: new Uint8Array(60) }, {
        opcode: 0,
        payload: new Uint8Array(40),
      });
      const message = await read();
      expect((await partsOf(message) as Uint8Array[]).reduce((sum, { length }) => sum + length, 0)).toBe(100);
      await peer.send({ opcode: 2, fin: false, payload: new Uint8Array(60) });
      const next = await read();
      await peer.send({ opcode: 0, fin: false, length: 41 });
      expect(await peer.closeCode()).toBe(1009);
      peer.socket.end();
      expect((await partsOf(next)).at(-1)).toBe("ConnectionClosureError");
    }),
  );
});

describe("reading in parts beside the rest", () => {
  it("F3: a client reads whole messages beside streams, within maxMessageSize", async () => {
    const { client, peer } = await clientAndServer({ messageStreams: true, maxMessageSize: 200_000 });
    await peer.send({ opcode: 1, fin: false, payload: "a" });
    const text = client.readTextMessage();
    await peer.send({ opcode: 0, payload: "b" }, { opcode: 2, payload: new Uint8Array(200_000) });
    expect(await text).toBe("ab");
    expect((await client.readBinaryMessage()).length).toBe(200_000);
    await peer.send({ opcode: 2, payload: new Uint8Array(300_000) });
    const large = await client.readMessageStream();
    await expect(client.readMessage()).rejects.toThrow("a message stream is reading already");
    expect((await partsOf(large) as Uint8Array[]).reduce((sum, { length }) => sum + length, 0)).toBe(300_000);
    await peer.send({ opcode: 2, payload: new Uint8Array(200_001) });
    const tooLarge = failure(client.readMessage());
    expect(await peer.closeCode()).toBe(1009);
    peer.socket.end();
    expect(await tooLarge).toMatchObject({ closure: { error: { code: "ERR_PAYLOAD_TOO_LARGE", size: 200_001 } } });
  });

  it("F3: a message is cut with its connection, and a client that reconnects reads the next one", async () => {
    let connections = 0;
    const url = await server(async (peer, request) => {
      await peer.raw.write(switching(request));
      if (++connections > 1) return peer.text("whole");
      await peer.send({ opcode: 1, fin: false, payload: "half" });
      peer.socket.end();
    });
    const client = await connect(url, { messageStreams: true, retryConfig: { interval: 0.01 } });
    expect(await partsOf(await client.readMessageStream())).toEqual(["half", "ConnectionClosureError"]);
    expect(await partsOf(await client.readMessageStream())).toEqual(["whole"]);
  });

  it("F3: a client reads a message whole in however many fragments it comes, and an ordinary one whatever maxFragments", async () => {
    const { client, peer } = await clientAndServer({ messageStreams: true, maxFragments: 1 });
    const count = 150_000;
    const whole = client.readBinaryMessage();
    const tiny = Buffer.from([0, 1, 7]);
    const fragments = Buffer.concat([Buffer.from([2, 1, 7]), ...Array.from({ length: count }, () => tiny)]);
    await peer.raw.write(fragments);
    await peer.send({ opcode: 0, payload: "" });
    const message = await whole;
    expect([message.length, message.every((byte) => byte === 7)]).toEqual([count + 1, true]);
    await peer.send({ opcode: 2, payload: new Uint8Array(3_000_000) });
    expect((await client.readBinaryMessage()).length).toBe(3_000_000);
  });

  it("F3: a client without the option reads whole messages only", async () => {
    const { client } = await clientAndServer();
    expect(() => client.readMessageStream()).toThrow('it needs the option "messageStreams"');
    expect(() => connect("ws://localhost/", { messageStreams: true, dispatcherStreamId: "id" })).toThrow(TypeError);
  });

  it(
    "F3: what comes of a returned stream are messages, and one of them is none of a service's own",
    differs(RECEIVING, async () => {
      const { url } = await listen({ onMessageStream: (_caller, message) => message });
      const client = await connect(url);
      await client.writeMessage(of("a", "b"));
      let echoed = "";
      while (echoed.length < 2) echoed += await client.readTextMessage();
      expect(echoed).toBe("ab");
    }),
  );

  it(
    "F3: a message that is sent back as it comes, and is cut, is no failure of its handler",
    differs(RECEIVING, async () => {
      for (const cut of ["socket", "close"] as const) {
        const ended = deferred<void>();
        const errors: unknown[] = [];
        const { port } = await listen(
          { onMessageStream: (caller, message) => caller.writeMessage(message), onClose: () => ended.resolve() },
          {},
          { onError: (error) => void errors.push(error) },
        );
        const peer = await upgraded(port);
        await peer.send({ opcode: 1, fin: false, payload: "half" });
        expect(await peer.next()).toMatchObject({ opcode: 1, fin: false, text: "half" });
        if (cut === "socket") peer.socket.destroy();
        else await peer.close(1000);
        await ended.promise;
        await new Promise((resolve) => setImmediate(resolve));
        expect(errors).toEqual([]);
      }
    }),
  );

  it("F3: two ways to take messages are refused, as S1 says", async () => {
    const service = { onMessageStream() {}, onTextMessage() {} };
    const errors: unknown[] = [];
    const { url } = await listen(service as Service, {}, { onError: (error) => void errors.push(error) });
    expect(await failure(connect(url))).toMatchObject({ status: 500 });
    expect(String(errors[0])).toContain('"onMessageStream" stands beside a handler of whole messages');
  });
});

const LARGE_CLIENT = fileURLToPath(new URL("../support/large_client.ts", import.meta.url));
const LARGE_SERVER = fileURLToPath(new URL("../support/large_server.ts", import.meta.url));
/** 256 MiB for the heap, each runtime in its own words. Bun has none for it: what it is told is to be sparing. */
const LITTLE_MEMORY = {
  NODE_OPTIONS: "--max-old-space-size=256",
  DENO_V8_FLAGS: "--max-old-space-size=256",
  BUN_OPTIONS: "--smol",
};
/** Bytes: the most that a process of the two was seen to need is 250 MiB, the runtime and all. */
const MOST_RSS = 402_653_184;
/** Seconds: it takes six to nine when nobody else is at work, and a busy machine many times that. */
const LARGE_TIMEOUT = 240;

it(
  "F3: 2 GiB go out and come back as one message, through processes with a heap of 256 MiB",
  differs(RECEIVING, async () => {
    const server = await startServer(LARGE_SERVER, LITTLE_MEMORY);
    whenOver(() => server.stop());
    const { ok, output } = await runProgram(LARGE_CLIENT, { ...LITTLE_MEMORY, SERVER: server.url.href }, LARGE_TIMEOUT);
    expect([ok, output]).toEqual([true, expect.stringMatching(/^\{.*\}\n$/)]);
    const reports: Record<"client" | "server", LargeReport> = JSON.parse(output);
    for (const { received, isRight, rss, heapLimit } of Object.values(reports)) {
      expect([received, isRight]).toEqual([LARGE, true]);
      expect(rss).toBeGreaterThan(0);
      expect(rss).toBeLessThan(MOST_RSS);
      // What the two with V8 add to it is for the youngest objects.
      if (!("Bun" in globalThis)) expect(heapLimit).toBeLessThan(MOST_RSS);
    }
  }),
  (LARGE_TIMEOUT + 30) * 1_000,
);
