import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { NetTransport } from "../../../src/adapters/node/net_transport.ts";
import type { ByteSink } from "../../../src/transport/byte_transport.ts";
import { client, whenOver } from "../../support/node_host.ts";
import type { RawClient } from "../../support/raw_client.ts";

/** What a transport says, in words; chunks are joined. */
class Ear implements ByteSink {
  text = "";
  readonly words: string[] = [];
  chunks = 0;
  onBytes: () => void = () => {};
  #changed: () => void = () => {};

  bytes(chunk: Uint8Array): void {
    // In place: the chunk is ours.
    for (let at = 0; at < chunk.length; at++) chunk[at]! ^= 1;
    for (let at = 0; at < chunk.length; at++) chunk[at]! ^= 1;
    expect(Object.getPrototypeOf(chunk)).toBe(Uint8Array.prototype);
    this.chunks++;
    this.text += new TextDecoder("latin1").decode(chunk);
    this.onBytes();
    this.#changed();
  }
  drained(): void {
    this.#note("drained");
  }
  ended(): void {
    this.#note("ended");
  }
  closed(error?: Error): void {
    this.#note(error === undefined ? "closed" : `closed ${(error as NodeJS.ErrnoException).code ?? error.message}`);
  }
  async hear(has: () => boolean): Promise<void> {
    while (!has()) await new Promise<void>((resolve) => this.#changed = resolve);
  }
  async word(start: string): Promise<string> {
    await this.hear(() => this.words.some((word) => word.startsWith(start)));
    return this.words.find((word) => word.startsWith(start))!;
  }
  #note(word: string): void {
    this.words.push(word);
    this.#changed();
  }
}

async function pair(): Promise<{ peer: RawClient; socket: Socket; transport: NetTransport; ear: Ear }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  whenOver(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const peer = await client((server.address() as AddressInfo).port);
  const socket = await accepted;
  whenOver(() => socket.destroy());
  return { peer, socket, transport: new NetTransport(socket), ear: new Ear() };
}

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(0x78);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("NetTransport", () => {
  it("delivers nothing before start, and nothing from inside it", async () => {
    const { peer, transport, ear } = await pair();
    await peer.write("early");
    peer.socket.end();
    await turn();
    expect([ear.text, ear.words]).toEqual(["", []]);
    transport.start(ear);
    expect(ear.text).toBe("");
    await ear.word("ended");
    expect([ear.text, ear.words]).toEqual(["early", ["ended"]]);
  });

  it("half closed by the peer, it still writes; the other end closes it", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    peer.socket.end("last words");
    await ear.word("ended");
    transport.write(new TextEncoder().encode("answer"));
    transport.end();
    expect(await peer.rest()).toBe("answer");
    await ear.word("closed");
    expect([ear.text, ear.words]).toEqual(["last words", ["ended", "closed"]]);
  });

  it("half closed by us, what was written is out and it still reads", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    transport.write(bytes(300_000));
    transport.end();
    expect((await peer.rest()).length).toBe(300_000);
    await peer.write("still here");
    await ear.hear(() => ear.text === "still here");
    peer.socket.end();
    await ear.word("closed");
    expect(ear.words.filter((word) => word !== "drained")).toEqual(["ended", "closed"]);
  });

  it("says no to a slow peer, tells what waits, and drained once it is out", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    peer.socket.pause();
    const chunk = bytes(65_536);
    let written = 0;
    // What the system takes at once differs; in the end it takes no more.
    while (written < 200) {
      written++;
      if (!transport.write(chunk.slice()) && transport.bufferedAmount > 1_000_000) break;
      await turn();
    }
    expect(written).toBeLessThan(200);
    expect(transport.bufferedAmount).toBeGreaterThan(0);
    expect(ear.words).toEqual([]);
    peer.socket.resume();
    await ear.word("drained");
    expect(transport.bufferedAmount).toBeLessThan(65_536);
    await peer.take(written * 65_536);
  });

  it("promises a turn for each chunk on plain sockets, not on encrypted ones", async () => {
    const { socket, transport } = await pair();
    expect(transport.turnPerChunk).toBe(true);
    Object.defineProperty(socket, "encrypted", { value: true });
    expect(new NetTransport(socket).turnPerChunk).toBe(false);
  });

  it("takes a chunk as its own; several written at once arrive in order", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    for (const text of ["a", "bc", "", "def"]) transport.write(new TextEncoder().encode(text));
    expect(await peer.take(6)).toBe("abcdef");
  });

  it("has let go of what was written once nothing waits: it may change then", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    let expected = "";
    const chunk = new Uint8Array(65_536);
    for (let round = 0; round < 60; round++) {
      const length = round % 3 === 0 ? chunk.length : 1 + round;
      const letter = 97 + round % 26;
      const lent = transport.bufferedAmount === 0 ? chunk.subarray(0, length) : new Uint8Array(length);
      transport.write(lent.fill(letter));
      expected += String.fromCharCode(letter).repeat(length);
      if (transport.bufferedAmount === 0) chunk.fill(0);
      // Kept: whoever wrote it does not touch it again.
      else if (lent.buffer === chunk.buffer) break;
    }
    const heard = await peer.take(expected.length);
    expect(heard === expected).toBe(true);
  });

  it("paused inside a chunk, it delivers nothing more until it is resumed; then all, in order", async () => {
    const { peer, transport, ear } = await pair();
    const text = Array.from({ length: 400_000 }, (_, at) => String.fromCharCode(97 + at % 26)).join("");
    ear.onBytes = () => transport.pause();
    transport.start(ear);
    void peer.write(text);
    await ear.hear(() => ear.chunks === 1);
    for (let i = 0; i < 5; i++) await turn();
    expect(ear.chunks).toBe(1);
    ear.onBytes = () => {};
    transport.resume();
    await ear.hear(() => ear.text.length === text.length);
    expect(ear.text === text).toBe(true);
  });

  it("an end behind a pause waits for resume", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    transport.pause();
    peer.socket.end("x");
    for (let i = 0; i < 5; i++) await turn();
    expect([ear.text, ear.words]).toEqual(["", []]);
    transport.resume();
    await ear.word("ended");
    transport.resume();
    expect(ear.text).toBe("x");
  });

  it("destroyed, it is closed later, once, and delivers nothing more", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    await peer.write("one");
    await ear.hear(() => ear.text === "one");
    transport.destroy();
    transport.destroy();
    expect(ear.words).toEqual([]);
    await ear.word("closed");
    await turn();
    expect(ear.words).toEqual(["closed"]);
    await peer.rest();
  });

  it("released, it tells nothing more, and its socket is somebody else's", async () => {
    const { peer, socket, transport, ear } = await pair();
    transport.start(ear);
    await peer.write("mine");
    await ear.hear(() => ear.text === "mine");
    expect(transport.release()).toBe(socket);
    let heard = "";
    const ended = new Promise<void>((resolve) => socket.once("end", resolve));
    socket.on("data", (chunk) => heard += chunk.toString());
    peer.socket.end("yours");
    await ended;
    // Were it still listened to, it would say that there is room.
    socket.emit("drain");
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    transport.destroy();
    await closed;
    await turn();
    expect([heard, ear.text, ear.words]).toEqual(["yours", "mine", []]);
  });

  it("written to when it is gone, it neither throws nor ends the process", async () => {
    const { transport, ear } = await pair();
    transport.start(ear);
    transport.destroy();
    transport.write(bytes(10));
    transport.end();
    transport.pause();
    transport.resume();
    await ear.word("closed");
    transport.write(bytes(10));
    await turn();
    expect(ear.words).toEqual(["closed"]);
  });

  it("a reset is told with its error", async () => {
    const { peer, transport, ear } = await pair();
    transport.start(ear);
    await peer.write("x");
    await ear.hear(() => ear.text === "x");
    peer.socket.resetAndDestroy();
    const closed = await ear.word("closed");
    // Bun 1.4.5 shows a reset as an end without an error.
    expect(["closed ECONNRESET", ..."Bun" in globalThis ? ["closed"] : []]).toContain(closed);
    expect(ear.words.filter((word) => word.startsWith("closed"))).toEqual([closed]);
  });

  it("closed, it does not hang on its socket any more, which the runtime may keep for a while", async () => {
    const { socket, transport, ear } = await pair();
    const hangs = (): boolean =>
      Object.getOwnPropertySymbols(socket).some((key) => Reflect.get(socket, key) === transport);
    transport.start(ear);
    expect(hangs()).toBe(true);
    transport.destroy();
    await ear.word("closed");
    expect(hangs()).toBe(false);
    socket.emit("drain");
    socket.emit("end");
    socket.emit("close");
    expect(ear.words).toEqual(["closed"]);
  });

  it("an error before start ends no process, and is told by closed", async () => {
    const { socket, transport, ear } = await pair();
    socket.destroy(new Error("lost"));
    await new Promise((resolve) => socket.once("close", resolve));
    transport.start(ear);
    expect(ear.words).toEqual([]);
    expect(await ear.word("closed")).toBe("closed lost");
    await turn();
    expect(ear.words).toHaveLength(1);
  });

  it("closed between its destruction and its start, it is closed once", async () => {
    const { transport, ear } = await pair();
    transport.destroy();
    transport.start(ear);
    await ear.word("closed");
    await turn();
    expect(ear.words).toEqual(["closed"]);
  });
});
