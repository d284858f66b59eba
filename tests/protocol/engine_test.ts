import { describe, expect, it } from "vitest";

import { CorruptedFrameError, PayloadTooLargeError } from "../../src/errors.ts";
import type { Role } from "../../src/protocol/engine.ts";
import { frameMessage } from "../../src/protocol/frame_writer.ts";
import { split } from "../support/cuts.ts";
import { deflated } from "../support/deflated.ts";
import { asPeerOf, bytesOf, frame, joined, KEY, readFrames } from "../support/frames.ts";
import { hex, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { Recorder, type RecorderOptions } from "../support/recorder.ts";
import { failsAfter, transcript } from "../support/transcript.ts";

const ROLES: readonly Role[] = ["server", "client"];

describe("the RFC's own examples (§5.7)", () => {
  const client = (wire: Uint8Array, ...words: string[]) => transcript({ role: "client", in: wire, expect: words });
  const server = (wire: Uint8Array, ...words: string[]) => transcript({ role: "server", in: wire, expect: words });

  it("a single-frame unmasked text message", () => {
    client(hex`81 05 48 65 6c 6c 6f`, "text Hello");
  });

  it("a single-frame masked text message", () => {
    server(hex`81 85 37 fa 21 3d 7f 9f 4d 51 58`, "text Hello");
  });

  it("a fragmented unmasked text message", () => {
    client(hex`01 03 48 65 6c 80 02 6c 6f`, "text Hello");
  });

  it("an unmasked ping, and the masked pong that answers it", () => {
    client(hex`89 05 48 65 6c 6c 6f`, "ping 48 65 6c 6c 6f", "write 8a 85 37 fa 21 3d 7f 9f 4d 51 58");
  });

  it("a masked pong", () => {
    server(hex`8a 85 37 fa 21 3d 7f 9f 4d 51 58`, "pong 48 65 6c 6c 6f");
  });

  it("256 bytes of binary in a single unmasked frame", () => {
    const payload = Uint8Array.from({ length: 256 }, (_, i) => i);
    client(hex`82 7e 01 00 ${payload}`, `binary ${toHex(payload)}`);
  });

  it("64 KiB of binary in a single unmasked frame", () => {
    const recorder = new Recorder({ role: "client" });
    const payload = new Random(1).bytes(65_536);
    for (const chunk of split(hex`82 7f 00 00 00 00 00 01 00 00 ${payload}`, 1_000)) {
      recorder.engine.receive(chunk.slice());
    }
    expect(toHex(recorder.messages[0] as Uint8Array) === toHex(payload)).toBe(true);
  });
});

describe.each(ROLES)("Engine as a %s", (role) => {
  const wire = (frames: Uint8Array): Uint8Array => asPeerOf(role, frames);
  /** What we write ourselves, for the end of a transcript. */
  const out = (frames: Uint8Array): string =>
    `write ${toHex(asPeerOf(role === "server" ? "client" : "server", frames))}`;
  const hears = (frames: Uint8Array, ...words: string[]): void => transcript({ role, in: wire(frames), expect: words });
  /** The violation, and a close frame that says its code. */
  const fails = (frames: Uint8Array, code: number, section: string, ...before: string[]): void =>
    failsRaw(wire(frames), code, section, ...before);
  const failsRaw = (bytes: Uint8Array, code: number, section: string, ...before: string[]): void => {
    const recorder = open();
    recorder.engine.receive(bytes.slice());
    const close = readFrames(joined(recorder.writes.concat(flushed(recorder)))).at(-1)!;
    expect([close.opcode, close.payload[0]! * 256 + close.payload[1]!]).toEqual([8, code]);
    expect(close.payload.length).toBeLessThanOrEqual(125);
    transcript({ role, in: bytes, expect: [...before, `failed ${code} ${section}`.trimEnd(), "write 88…"] });
  };
  const open = (options: Omit<RecorderOptions, "role"> = {}): Recorder => new Recorder({ role, ...options });
  const flushed = (recorder: Recorder): Uint8Array[] => {
    const before = recorder.writes.length;
    recorder.engine.flush();
    return recorder.writes.splice(before);
  };
  const feed = (recorder: Recorder, frames: Uint8Array): void => recorder.engine.receive(wire(frames).slice());
  const masking = role === "server" ? 0 : 0x80;

  describe("messages", () => {
    it("are told in order, empty ones too", () => {
      hears(hex`81 00 82 00 81 01 61 82 02 00 ff 81 03 e2 82 ac`, "text", "binary", "text a", "binary 00 ff", "text €");
    });

    it("§5.4: come in fragments, with control frames between them", () => {
      hears(
        hex`01 01 61 89 01 70 00 00 8a 01 71 80 01 62 82 01 63`,
        "ping 70",
        "pong 71",
        "text ab",
        "binary 63",
        out(hex`8a 01 70`),
      );
    });

    it("§5.4: characters may be split between fragments", () => {
      hears(hex`01 01 f0 00 02 9d 84 80 01 9e`, "text 𝄞");
    });

    it("§5.6: binary is not looked at", () => {
      hears(hex`82 03 ff fe c0`, "binary ff fe c0");
    });

    it("keep a byte order mark", () => {
      hears(hex`81 04 ef bb bf 61`, "text \ufeffa");
    });

    it("§5.5.3: unasked-for pongs are told", () => {
      hears(hex`8a 00 8a 02 01 02`, "pong", "pong 01 02");
    });

    it("§5.5: control frames carry 125 bytes", () => {
      const payload = new Uint8Array(125).fill(0x78);
      hears(hex`89 7d ${payload}`, `ping ${toHex(payload)}`, out(hex`8a 7d ${payload}`));
    });

    it("own their whole buffer, and nothing that came is kept of a neighbour", () => {
      const recorder = open();
      const payloads = [0, 1, 20, 64, 65, 200, 5_000].map((length) => new Random(length).bytes(length));
      const frames = wire(joined(payloads.map((payload) => frame({ opcode: 2, payload }))));
      const padded = new Uint8Array(frames.length + 100);
      padded.set(frames, 50);
      recorder.engine.receive(padded.subarray(50, 50 + frames.length));
      padded.fill(0);
      for (const [i, message] of (recorder.messages as Uint8Array[]).entries()) {
        expect(toHex(message)).toBe(toHex(payloads[i]!));
        expect([message.byteOffset, message.buffer.byteLength]).toEqual([0, message.length]);
      }
      expect(recorder.messages).toHaveLength(payloads.length);
    });

    it("give pings and pongs bytes of their own", () => {
      const heard: Uint8Array[] = [];
      const recorder = open();
      recorder.pinged = recorder.ponged = (payload) => void heard.push(payload);
      const chunk = wire(hex`89 02 61 62 8a 02 63 64`).slice();
      recorder.engine.receive(chunk);
      chunk.fill(0);
      expect(heard.map(toHex)).toEqual(["61 62", "63 64"]);
    });
  });

  describe("violations", () => {
    it("attack 13: refuses what is masked wrongly", () => {
      const wrong = role === "server" ? hex`81 01 61` : hex`81 81 00 00 00 00 61`;
      failsRaw(wrong, 1002, "§5.1");
      failsRaw(joined([wire(hex`81 01 61`), wrong]), 1002, "§5.1", "text a");
    });

    it("attack 14: refuses reserved bits, on data, control and continuation frames", () => {
      for (const first of [0xc1, 0xa1, 0x91, 0xf1, 0xc2, 0x41, 0xc8, 0xc9, 0xca, 0xb9, 0x9a]) {
        fails(Uint8Array.of(first, 0), 1002, "§5.2");
      }
      fails(hex`01 01 61 c0 01 62`, 1002, "§5.2");
    });

    it("attack 15: refuses reserved opcodes", () => {
      for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) fails(Uint8Array.of(0x80 | opcode, 0), 1002, "§5.2");
    });

    it("attack 16: refuses fragmented and over-long control frames", () => {
      for (const opcode of [8, 9, 10]) {
        fails(Uint8Array.of(opcode, 0), 1002, "§5.5");
        fails(frame({ opcode, payload: new Uint8Array(126) }), 1002, "§5.5");
      }
    });

    it("attack 17: refuses a continuation without a start, and data inside a message", () => {
      fails(hex`80 01 61`, 1002, "§5.4");
      fails(hex`00 00`, 1002, "§5.4");
      fails(hex`81 01 61 80 01 62`, 1002, "§5.4", "text a");
      fails(hex`01 01 61 81 01 62`, 1002, "§5.4");
      fails(hex`02 01 61 8a 00 01 01 62`, 1002, "§5.4", "pong");
    });

    it("attack 18: refuses lengths with the top bit, above 2^53, above 2^31, and not in minimal form", () => {
      fails(hex`82 7f 80 00 00 00 00 00 00 01`, 1002, "§5.2");
      fails(hex`82 7f 00 20 00 00 00 00 00 01`, 1009, "");
      fails(hex`82 7f 00 00 00 00 80 00 00 00`, 1009, "");
      fails(hex`82 7e 00 7d ${new Uint8Array(125)}`, 1002, "§5.2");
      fails(hex`82 7f 00 00 00 00 00 00 00 00`, 1002, "§5.2");
    });

    it("are told to the peer in a close frame that it may read, and nothing is read after", () => {
      const recorder = open();
      feed(recorder, hex`83 00 81 01 61`);
      feed(recorder, hex`81 01 62 88 00`);
      expect(recorder.words).toEqual(["failed 1002 §5.2"]);
      expect(recorder.engine.deaf).toBe(true);
      expect(recorder.engine.sent).toEqual({ code: 1002, reason: recorder.violation!.message });
      expect(recorder.engine.received).toBe(undefined);
      recorder.engine.send("too late");
      recorder.engine.ping(hex``);
      const [close, ...more] = readFrames(joined(flushed(recorder)));
      expect(more).toEqual([]);
      expect(new TextDecoder().decode(close!.payload.subarray(2))).toBe(recorder.violation!.message);
    });

    it("say which class of error they are", () => {
      const wrong = open();
      feed(wrong, hex`83 00`);
      expect(wrong.violation).toBeInstanceOf(CorruptedFrameError);
      const large = open({ maxMessageSize: 1 });
      feed(large, hex`82 02 00 00`);
      expect(large.violation).toBeInstanceOf(PayloadTooLargeError);
      expect(large.violation).toMatchObject({ size: 2, limit: 1 });
    });

    it("do not overwrite a close frame that was sent before", () => {
      transcript({
        role,
        before: ({ engine }) => engine.close(1000, ""),
        in: wire(hex`83 00`),
        expect: ["failed 1002 §5.2", out(hex`88 02 03 e8`)],
      });
    });
  });

  describe("attack 24: UTF-8", () => {
    const inFrames: readonly [string, (bytes: Uint8Array) => Uint8Array, number][] = [
      ["one frame", (bytes) => frame({ opcode: 1, payload: hex`${bytes} 61 61` }), 0],
      ["a long frame", (bytes) => frame({ opcode: 1, payload: hex`${new Uint8Array(99).fill(0x61)} ${bytes} 61` }), 99],
      ["the first fragment", (bytes) => frame({ opcode: 1, fin: false, payload: hex`${bytes} 61` }), 0],
    ];
    const bad: readonly [string, Uint8Array, number][] = [
      ["a byte that never is", hex`ff`, 1],
      ["a continuation byte", hex`80`, 1],
      ["overlong, two bytes", hex`c0 af`, 1],
      ["overlong, three bytes", hex`e0 80 af`, 2],
      ["overlong, four bytes", hex`f0 80 80 af`, 2],
      ["a surrogate", hex`ed a0 80`, 2],
      ["above U+10FFFF", hex`f4 90 80 80`, 2],
      ["cut by an ASCII byte", hex`f0 9d 84 61`, 4],
    ];
    it.each(bad)("fails at the first bad byte received: %s", (_, bytes, at) => {
      for (const [, within, before] of inFrames) {
        const frames = wire(within(bytes));
        const header = frames.length - readFrames(frames)[0]!.payload.length;
        expect(failsAfter({ role, in: frames })).toBe(header + before + at);
        fails(within(bytes), 1007, "§8.1");
      }
      expect(failsAfter({ role, in: wire(frame({ opcode: 2, payload: bytes })) })).toBe(undefined);
    });

    it("fails inside a frame that announces far more than has come", () => {
      const begun = frame({ opcode: 1, payload: hex`61 62 ff`, length: 1_000_000 });
      const wired = role === "client"
        ? begun
        : frame({ opcode: 1, payload: hex`61 62 ff`, length: 1_000_000, key: KEY });
      expect(failsAfter({ role, in: wired })).toBe(wired.length);
    });

    it("fails when a message ends inside a character, and not before", () => {
      const frames = wire(hex`01 01 61 80 02 e2 82`);
      expect(failsAfter({ role, in: frames })).toBe(frames.length);
      fails(hex`01 02 e2 82 80 00`, 1007, "§8.1");
      fails(hex`81 01 c3`, 1007, "§8.1");
    });

    it("fails across fragments", () => {
      const frames = wire(hex`01 02 ed 61 80 00`);
      expect(failsAfter({ role, in: frames })).toBe(role === "server" ? 8 : 4);
      fails(hex`01 01 ed 8a 00 80 02 a0 80`, 1007, "§8.1", "pong");
    });

    it("is judged anew for each message", () => {
      hears(hex`02 01 c3 80 01 28 01 01 c3 80 01 a9`, "binary c3 28", "text é");
      const recorder = open();
      feed(recorder, hex`81 01 ff`);
      const other = open();
      feed(other, hex`81 03 e2 82 ac`);
      expect(other.words).toEqual(["text €"]);
    });
  });

  describe("closing", () => {
    it("§5.5.1: echoes the code, and reads nothing after it", () => {
      hears(hex`88 02 03 e8 81 01 61`, "closing 1000", out(hex`88 02 03 e8`));
      hears(hex`88 05 0f a0 62 79 65`, "closing 4000 bye", out(hex`88 02 0f a0`));
      hears(hex`88 00`, "closing 1005", out(hex`88 00`));
    });

    it("attack 23: ignores data after close and a second close", () => {
      hears(hex`88 02 03 e8 88 02 03 e9 81 01 61 83 00 ff`, "closing 1000", out(hex`88 02 03 e8`));
    });

    it("attack 23: refuses a body of one byte, a code that may not travel, a reason that is not UTF-8", () => {
      fails(hex`88 01 03`, 1002, "§5.5.1");
      for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]) {
        fails(hex`88 02 ${Uint8Array.of(code >> 8, code)}`, 1002, "§7.4");
      }
      fails(hex`88 03 03 e8 ff`, 1007, "§5.5.1");
      fails(hex`88 04 03 e8 e2 82`, 1007, "§5.5.1");
    });

    it("takes every code that may travel, and the longest reason", () => {
      for (const code of [1000, 1001, 1002, 1003, 1007, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
        const bytes = Uint8Array.of(code >> 8, code);
        hears(hex`88 02 ${bytes}`, `closing ${code}`, out(hex`88 02 ${bytes}`));
      }
      hears(
        hex`88 7d 03 e8 ${new Uint8Array(123).fill(0x78)}`,
        `closing 1000 ${"x".repeat(123)}`,
        out(hex`88 02 03 e8`),
      );
    });

    it("does not answer what answers us", () => {
      transcript({
        role,
        before: ({ engine }) => engine.close(1001, "away"),
        in: wire(hex`81 01 61 88 02 03 e9`),
        expect: ["text a", "closing 1001", out(hex`88 06 03 e9 61 77 61 79`)],
      });
    });

    it("lets the output answer with a code of its own, after what it still has to say", () => {
      const recorder = open();
      const tell = recorder.closing.bind(recorder);
      recorder.closing = (closed) => {
        tell(closed);
        recorder.engine.send("last");
        recorder.engine.close(4001, "mine");
      };
      feed(recorder, hex`88 02 03 e8`);
      expect(recorder.transcript()).toEqual(["closing 1000", out(hex`81 04 6c 61 73 74 88 06 0f a1 6d 69 6e 65`)]);
      expect([recorder.engine.received?.code, recorder.engine.sent?.code]).toEqual([1000, 4001]);
    });

    it("§5.5.1: sends nothing after a close frame, nor a second one", () => {
      const recorder = open();
      const { engine } = recorder;
      engine.close(undefined, "");
      engine.close(1000, "again");
      engine.send("a");
      engine.send(hex`61`);
      engine.sendPart("a", false);
      engine.send("b");
      engine.ping(hex``);
      engine.pong(hex``);
      expect(recorder.transcript()).toEqual([out(hex`88 00`)]);
      expect(engine.sent).toEqual({ code: 1005, reason: "" });
    });

    it("§5.5.1: still answers pings and delivers until the peer closes", () => {
      transcript({
        role,
        before: ({ engine }) => engine.close(1000, ""),
        in: wire(hex`89 01 61 81 01 62`),
        expect: ["ping 61", "text b", out(hex`88 02 03 e8`)],
      });
    });

    it("closes inside an unfinished message", () => {
      hears(hex`01 01 61 88 02 03 e8`, "closing 1000", out(hex`88 02 03 e8`));
    });
  });

  describe("limits", () => {
    const limited = (options: Omit<RecorderOptions, "role">, frames: Uint8Array, ...words: string[]): void =>
      transcript({ role, options, in: wire(frames), expect: words });

    it("maxMessageSize: takes the limit in one frame, refuses one more", () => {
      limited({ maxMessageSize: 3 }, hex`82 03 01 02 03`, "binary 01 02 03");
      limited({ maxMessageSize: 3 }, hex`82 04 01 02 03 04`, "failed 1009", "write 88…");
      limited({ maxMessageSize: 3 }, hex`81 03 61 62 63 81 04 61 62 63 64`, "text abc", "failed 1009", "write 88…");
    });

    it("maxMessageSize: takes the limit assembled, refuses one more", () => {
      limited({ maxMessageSize: 3 }, hex`02 01 01 00 00 80 02 02 03`, "binary 01 02 03");
      limited({ maxMessageSize: 3 }, hex`02 01 01 00 02 02 03 80 01 04`, "failed 1009", "write 88…");
      limited({ maxMessageSize: 0 }, hex`82 00 81 01 61`, "binary", "failed 1009", "write 88…");
    });

    it("maxMessageSize: counts bytes, not characters", () => {
      limited({ maxMessageSize: 5 }, hex`81 06 e2 82 ac e2 82 ac`, "failed 1009", "write 88…");
    });

    it("maxFrameSize: bounds each incoming frame, not the message", () => {
      limited({ maxFrameSize: 2 }, hex`02 02 01 02 00 02 03 04 80 02 05 06`, "binary 01 02 03 04 05 06");
      limited({ maxFrameSize: 2 }, hex`02 02 01 02 80 03 03 04 05`, "failed 1009", "write 88…");
      limited({ maxFrameSize: 2 }, hex`89 03 01 02 03`, "ping 01 02 03", out(hex`8a 03 01 02 03`));
    });

    it("maxFrameSize: splits what we send", () => {
      const recorder = open({ maxFrameSize: 4 });
      recorder.engine.send("a€€");
      recorder.engine.send(hex`01 02 03 04 05`);
      expect(recorder.transcript()).toEqual([
        out(hex`01 04 61 e2 82 ac 80 03 e2 82 ac 02 04 01 02 03 04 80 01 05`),
      ]);
    });

    it("maxFragments: takes the limit, refuses one more, counts anew for each message", () => {
      limited({ maxFragments: 2 }, hex`01 01 61 80 01 62 01 00 80 00`, "text ab", "text");
      limited({ maxFragments: 2 }, hex`01 01 61 00 00 80 00`, "failed 1009", "write 88…");
    });

    it("attack 19: refuses a length far over the limit at the header, before a byte of payload", () => {
      const header = (length: number) => frame({ opcode: 2, length, ...(role === "server" && { key: KEY }) });
      const size = (length: number) => failsAfter({ role, in: header(length) });
      expect(size(2_000_000)).toBe(10);
      expect(failsAfter({ role, in: header(60_000), options: { maxMessageSize: 1_000 } })).toBe(4);
      expect(size(1_048_576)).toBe(undefined);
    });
  });

  describe("sending", () => {
    it("writes messages, pings and pongs in order, gathered until it is told to flush", () => {
      const recorder = open();
      const { engine } = recorder;
      engine.send("Hello");
      engine.send(hex`00 ff`);
      engine.ping(hex`61`);
      engine.pong(hex``);
      expect(recorder.writes).toEqual([]);
      expect(engine.pending).toBe(role === "server" ? 16 : 32);
      expect(recorder.transcript()).toEqual([out(hex`81 05 48 65 6c 6c 6f 82 02 00 ff 89 01 61 8a 00`)]);
      expect([recorder.writes.length, engine.pending]).toEqual([1, 0]);
    });

    it("sends a message in parts, with control frames between them", () => {
      const recorder = open();
      const { engine } = recorder;
      engine.sendPart("ab", false);
      engine.ping(hex`70`);
      engine.sendPart("", false);
      engine.sendPart("c", true);
      engine.sendPart(hex`01`, true);
      engine.send("d");
      expect(recorder.transcript()).toEqual([out(hex`01 02 61 62 89 01 70 00 00 80 01 63 82 01 01 81 01 64`)]);
    });

    it("refuses a message between the parts of another, and goes on with the parts", () => {
      const recorder = open();
      const { engine } = recorder;
      engine.sendPart(hex`01`, false);
      expect(() => engine.send("no")).toThrow(TypeError);
      engine.sendPart(hex`02`, true);
      expect(recorder.transcript()).toEqual([out(hex`02 01 01 80 01 02`)]);
    });

    it("attack 45: does not change what it is given, and does not see what becomes of it", () => {
      const recorder = open();
      const backing = hex`aa aa 01 02 03 aa`;
      recorder.engine.send(backing.subarray(2, 5));
      recorder.engine.ping(backing.subarray(0, 1));
      recorder.engine.sendPart(backing.subarray(5), true);
      expect(toHex(backing)).toBe("aa aa 01 02 03 aa");
      backing.fill(0);
      expect(recorder.transcript()).toEqual([out(hex`82 03 01 02 03 89 01 aa 82 01 aa`)]);
    });

    it("attack 25: writes U+FFFD for a lone surrogate, in a close reason too", () => {
      const recorder = open();
      recorder.engine.send("a\ud800");
      recorder.engine.close(1000, "\udc00");
      expect(recorder.transcript()).toEqual([out(hex`81 04 61 ef bf bd 88 05 03 e8 ef bf bd`)]);
    });

    it("attack 43: writes what it was told and nothing else, whatever lay in memory before", () => {
      const recorder = open();
      recorder.engine.send("x".repeat(500));
      recorder.engine.flush();
      recorder.writes.length = 0;
      recorder.engine.close(1000, "");
      const all = joined(flushed(recorder));
      expect(readFrames(all)).toHaveLength(1);
      expect(all.length).toBe(role === "server" ? 4 : 8);
    });

    it("§5.1: masks as a client, does not as a server, each frame with a key of its own", () => {
      let next = 1;
      const recorder = open({ fillRandom: (bytes) => bytes.forEach((_, i) => bytes[i] = next++) });
      for (let i = 0; i < 5; i++) recorder.engine.send("abcd");
      recorder.engine.flush();
      const bytes = joined(recorder.writes);
      const frames = readFrames(bytes);
      expect(frames.map(({ masked }) => masked)).toEqual(Array(5).fill(role === "client"));
      expect(frames.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(Array(5).fill("abcd"));
      if (role === "client") {
        const keys = frames.map((_, i) => toHex(bytes.subarray(i * 10 + 2, i * 10 + 6)));
        expect(keys).toEqual(["01 02 03 04", "05 06 07 08", "09 0a 0b 0c", "0d 0e 0f 10", "11 12 13 14"]);
      }
      expect(bytes[1]! & 0x80).toBe(masking);
    });
  });

  describe("pausing", () => {
    const three = hex`81 01 61 89 01 62 01 01 63 80 01 64 88 02 03 e8`;
    const words = ["text a", "ping 62", "text cd", "closing 1000"];

    it("takes effect before the next frame, also from inside a message; resuming goes on", () => {
      const recorder = open({ onWord: ({ engine }) => engine.pause() });
      feed(recorder, three);
      for (let told = 1; told <= words.length; told++) {
        expect(recorder.words).toEqual(words.slice(0, told));
        recorder.engine.resume();
      }
      expect(recorder.words).toEqual(words);
    });

    it("keeps what comes meanwhile, in order", () => {
      const recorder = open();
      recorder.engine.pause();
      for (const chunk of split(wire(three), 2)) recorder.engine.receive(chunk.slice());
      expect(recorder.words).toEqual([]);
      expect(recorder.engine.unfinished).toBe(true);
      recorder.engine.resume();
      expect(recorder.words).toEqual(words);
      expect(recorder.engine.unfinished).toBe(false);
    });

    it("never speaks from inside its own word, also when that resumes", () => {
      let depth = 0;
      const recorder = open({
        onWord({ engine }) {
          expect(++depth).toBe(1);
          engine.pause();
          engine.resume();
          engine.receive(new Uint8Array(0));
          depth--;
        },
      });
      feed(recorder, three);
      expect(recorder.words).toEqual(words);
    });

    it("resuming twice, or without a pause, tells nothing twice", () => {
      const recorder = open();
      recorder.engine.resume();
      feed(recorder, hex`81 01 61`);
      recorder.engine.resume();
      recorder.engine.resume();
      expect(recorder.words).toEqual(["text a"]);
    });

    it("holds in the middle of a frame that comes in pieces", () => {
      const recorder = open();
      const [begin, rest] = [wire(hex`81 05 48 65 6c 6c 6f`).slice(0, 9), wire(hex`81 05 48 65 6c 6c 6f`).slice(9)];
      recorder.engine.receive(begin);
      recorder.engine.pause();
      recorder.engine.receive(rest);
      recorder.engine.resume();
      expect(recorder.words).toEqual(["text Hello"]);
    });
  });

  it("knows whether something is unfinished", () => {
    const recorder = open();
    const states: boolean[] = [];
    for (const byte of wire(hex`01 01 61 89 01 62 80 00 81 01 63`)) {
      recorder.engine.receive(Uint8Array.of(byte));
      states.push(recorder.engine.unfinished);
    }
    const finished = states.flatMap((unfinished, i) => unfinished ? [] : [i]);
    expect(finished).toEqual(role === "server" ? [19, 26] : [7, 10]);
  });

  it("fails when it is told to, from the outside", () => {
    const recorder = open();
    recorder.engine.fail(new CorruptedFrameError("Too slow", 1008, "§10.4"));
    expect(recorder.transcript()).toEqual(["failed 1008 §10.4", out(hex`88 0a 03 f0 ${bytesOf("Too slow")}`)]);
    feed(recorder, hex`81 01 61`);
    expect(recorder.messages).toEqual([]);
  });

  it("lets an error that is not the peer's pass, and can go on", () => {
    const recorder = open();
    recorder.message = () => {
      throw new Error("mine");
    };
    expect(() => feed(recorder, hex`81 01 61`)).toThrow("mine");
    expect(recorder.engine.deaf).toBe(false);
    feed(recorder, hex`89 00`);
    expect(recorder.words).toEqual(["ping"]);
  });

  describe("cost", () => {
    /** The bytes of all arrays that are made while `run` runs. */
    function allocated(run: () => void): number {
      const Original = globalThis.Uint8Array;
      let bytes = 0;
      globalThis.Uint8Array = new Proxy(Original, {
        construct(target, args, newTarget) {
          const array = Reflect.construct(target, args, newTarget === globalThis.Uint8Array ? target : newTarget);
          if (typeof args[0] === "number") bytes += args[0];
          return array as object;
        },
      });
      try {
        run();
      } finally {
        globalThis.Uint8Array = Original;
      }
      return bytes;
    }

    it("attack 46: memory follows the bytes that came, never the length that was announced", () => {
      const size = 16_777_215;
      const recorder = open({ maxMessageSize: 16_777_216 });
      const header = frame({ opcode: 2, length: size, ...(role === "server" && { key: KEY }) });
      const byte = Array.from({ length: 20_000 }, () => Uint8Array.of(1));
      expect(allocated(() => recorder.engine.receive(header))).toBeLessThan(5_000);
      expect(allocated(() => byte.slice(0, 4_000).forEach((one) => recorder.engine.receive(one)))).toBeLessThan(20_000);
      expect(allocated(() => byte.slice(4_000).forEach((one) => recorder.engine.receive(one)))).toBeLessThan(200_000);
      expect(recorder.words).toEqual([]);
    });

    it("attack 46: so it does for a text in fragments, and for a control frame", () => {
      const recorder = open({ maxMessageSize: 16_777_216 });
      const key = role === "server" ? { key: KEY } : {};
      const begun = joined([
        frame({ opcode: 1, fin: false, payload: "abc", ...key }),
        frame({ opcode: 0, fin: false, length: 16_000_000, ...key }),
      ]);
      expect(allocated(() => recorder.engine.receive(begun))).toBeLessThan(10_000);
    });

    it("attack 20: 131 072 empty fragments cost what they are, and one more is refused", () => {
      const fragments = joined(Array(131_070).fill(wire(hex`00 00`)));
      const message = joined([wire(hex`01 00`), fragments, wire(hex`80 01 61`)]);
      const just = open({ maxFragments: 131_072 });
      for (const chunk of split(message, 65_536)) just.engine.receive(chunk.slice());
      expect(just.words).toEqual(["text a"]);
      const over = open({ maxFragments: 131_072 });
      over.engine.receive(joined([wire(hex`01 00`), fragments, wire(hex`00 00 00 00`)]));
      expect(over.words).toEqual(["failed 1009"]);
    });

    it("attack 20: fragments of one byte, and one byte a segment, cost in proportion", () => {
      const count = 100_000;
      const fragments = joined([
        wire(hex`02 01 61`),
        ...Array(count - 2).fill(wire(hex`00 01 61`)),
        wire(hex`80 01 61`),
      ]);
      const whole = open({ maxFragments: 131_072 });
      expect(allocated(() => whole.engine.receive(fragments))).toBeLessThan(10 * count);
      expect(whole.messages[0]).toHaveLength(count);
      const segments = open();
      const message = wire(frame({ opcode: 2, payload: new Uint8Array(count) }));
      const pieces = split(message, 1).map((piece) => piece.slice());
      expect(allocated(() => pieces.forEach((piece) => segments.engine.receive(piece)))).toBeLessThan(10 * count);
      expect(segments.messages[0]).toHaveLength(count);
    });

    it("does not keep what it handed out, nor a message that was refused", () => {
      const recorder = open();
      feed(recorder, frame({ opcode: 1, fin: false, payload: "x".repeat(10_000) }));
      feed(recorder, hex`83 00`);
      expect(recorder.engine.unfinished).toBe(false);
    });
  });
});

describe("two engines", () => {
  it("share one source of randomness without sharing a key", () => {
    let next = 0;
    const counting = (bytes: Uint8Array): void => bytes.forEach((_, i) => bytes[i] = i % 4 === 3 ? next++ : 0x40);
    const both = [1, 2].map(() => new Recorder({ role: "client", fillRandom: counting }));
    const keys = both.flatMap((recorder) => {
      recorder.engine.send("a");
      recorder.engine.flush();
      return toHex(recorder.writes[0]!.subarray(2, 6));
    });
    expect(new Set(keys).size).toBe(2);
  });
});

it("keeps the rules of other messages for framed ones", () => {
  const recorder = new Recorder({ role: "server" });
  const { engine, writes } = recorder;
  const framed = frameMessage("x", Infinity);
  engine.sendPart("a", false);
  expect(() => engine.sendFramed(framed)).toThrow(TypeError);
  engine.sendPart("b", true);
  engine.close(1000, "");
  engine.flush();
  const { length } = writes;
  engine.sendFramed(framed);
  engine.flush();
  expect(writes).toHaveLength(length);
});

it("takes no part of a split control frame for a frame of its own", () => {
  const ping = frame({ opcode: 9, payload: hex`70 81 00 71`, key: undefined });
  const recorder = new Recorder({ role: "client" });
  recorder.engine.receive(ping.slice(0, 3));
  recorder.engine.receive(ping.slice(3));
  expect(recorder.words).toEqual(["ping 70 81 00 71"]);
});

describe.each(ROLES)("messages in parts, to a %s", (role) => {
  const wire = (frames: Uint8Array): Uint8Array => asPeerOf(role, frames);
  const out = (frames: Uint8Array): string =>
    `write ${toHex(asPeerOf(role === "server" ? "client" : "server", frames))}`;
  const options = { streamedSize: Infinity, maxMessageSize: 4, maxFragments: 2 };
  const open = (more: Omit<RecorderOptions, "role"> = {}): Recorder => new Recorder({ role, ...options, ...more });
  /** Each message is told at its end, whether it came in parts or whole. */
  const hears = (frames: Uint8Array, ...words: string[]): void =>
    transcript({ role, in: wire(frames), expect: words, options });

  it("are no bound to a message, nor to its fragments", () => {
    hears(hex`82 06 01 02 03 04 05 06 81 05 61 62 63 64 65`, "binary 01 02 03 04 05 06", "text abcde");
    hears(hex`01 01 61 00 01 62 00 00 00 01 63 80 03 64 65 66 81 01 67`, "text abcdef", "text g");
  });

  it("let control frames through, and what follows is a message of its own", () => {
    hears(
      hex`02 01 01 89 01 70 00 01 02 80 05 03 04 05 06 07 82 00`,
      "ping 70",
      "binary 01 02 03 04 05 06 07",
      "binary",
      out(hex`8a 01 70`),
    );
  });

  it("are handed on as they come", () => {
    const recorder = open();
    const frames = wire(hex`02 03 01 02 03 00 02 04 05 80 01 06`);
    recorder.engine.receive(frames.slice(0, -1));
    expect(recorder.parts.map(([part, fin]) => [toHex(part as Uint8Array), fin])).toEqual([["01 02 03", false], [
      "04 05",
      false,
    ]]);
    recorder.engine.receive(frames.slice(-1));
    expect(recorder.parts.at(-1)).toEqual([Uint8Array.of(6), true]);
  });

  it("own their bytes", () => {
    const recorder = open();
    for (const chunk of split(wire(hex`02 03 01 02 03 80 04 04 05 06 07`), 4)) recorder.engine.receive(chunk.slice());
    for (const [part] of recorder.parts) expect((part as Uint8Array).buffer.byteLength).toBe(part.length);
  });

  it("are told to have begun and to be over, and otherwise never empty", () => {
    const recorder = open();
    recorder.engine.receive(wire(hex`01 00 00 00 00 01 e2 00 00 00 02 82 ac 00 00 80 00`).slice());
    expect(recorder.parts).toEqual([["", false], ["€", false], ["", true]]);
  });

  it("begin with what there is of them, though it is no character", () => {
    const recorder = open();
    recorder.engine.receive(wire(hex`01 01 e2`).slice());
    expect(recorder.parts).toEqual([["", false]]);
  });

  it("stop coming while the engine is paused", () => {
    const recorder = open();
    const frames = wire(hex`02 05 01 02 03 04 05 00 01 06 80 01 07`);
    recorder.engine.pause();
    recorder.engine.receive(frames.slice());
    expect([recorder.parts.length, recorder.engine.unfinished]).toEqual([0, true]);
    recorder.engine.resume();
    expect(recorder.parts.length).toBe(3);
    expect(recorder.engine.unfinished).toBe(false);
  });

  it("§8.1: are text from end to end, or fail as soon as that is known", () => {
    const fails = (frames: Uint8Array): number | undefined => failsAfter({ role, in: wire(frames), options });
    const key = role === "server" ? 4 : 0;
    // "abcd" and more goes before the bad byte.
    expect(fails(hex`01 05 61 62 63 64 65 80 02 e2 28`)).toBe(7 + key + 4 + key);
    expect(fails(hex`01 05 61 62 63 64 65 00 01 e2 80 00`)).toBe(7 + key + 3 + key + 2 + key);
    const recorder = open();
    recorder.engine.receive(wire(hex`01 05 61 62 63 64 65 80 01 ff`).slice());
    expect(recorder.words).toEqual(["failed 1007 §8.1"]);
    expect(recorder.parts).toEqual([["abcde", false]]);
  });

  it("§5.4: a new message inside one fails", () => {
    transcript({
      role,
      in: wire(hex`02 05 01 02 03 04 05 81 01 61`),
      expect: ["failed 1002 §5.4", "write 88…"],
      options,
    });
  });

  it("§5.2: RSV1 in a continuation fails, with compression and without", () => {
    for (const deflate of [undefined, {}]) {
      const bytes = wire(hex`02 05 01 02 03 04 05 c0 01 61`);
      const expected = ["failed 1002 §5.2", "write 88…"];
      transcript({ role, in: bytes, expect: expected, options: deflate ? { ...options, deflate } : options });
    }
  });

  it("have a limit of their own, inclusive, and are refused at the header", () => {
    const limited = { ...options, streamedSize: 10 };
    const at = (length: number): Uint8Array =>
      wire(hex`02 05 01 02 03 04 05 80 ${Uint8Array.of(length)} ${new Uint8Array(length)}`);
    transcript({ role, in: at(5), expect: ["binary 01 02 03 04 05 00 00 00 00 00"], options: limited });
    const key = role === "server" ? 4 : 0;
    expect(failsAfter({ role, in: at(6), options: limited })).toBe(7 + key + 2 + key);
    const recorder = open(limited);
    recorder.engine.receive(wire(hex`82 0b 01 02 03 04 05 06 07 08 09 0a 0b`).slice());
    expect(recorder.violation).toMatchObject({ closeCode: 1009, size: 11, limit: 10 });
    expect(recorder.parts).toEqual([]);
  });

  it("have that limit also where all of a message is there at once, below maxMessageSize", () => {
    const limited = { ...options, maxMessageSize: 1_000 };
    for (const streamedSize of [10, 200]) { // a short frame takes a short cut
      const at = (length: number): Uint8Array => wire(frame({ opcode: 2, payload: new Uint8Array(length) }));
      const within = open({ ...limited, streamedSize });
      within.engine.receive(at(streamedSize).slice());
      expect([within.violation, within.messages.length]).toEqual([undefined, 1]);
      const beyond = open({ ...limited, streamedSize });
      beyond.engine.receive(at(streamedSize + 1).slice());
      expect(beyond.violation).toMatchObject({ closeCode: 1009, size: streamedSize + 1, limit: streamedSize });
    }
  });

  it("take no memory for a length that was announced, and none has more than can be counted", () => {
    const mask = role === "server" ? { key: KEY } : {};
    const announced = frame({ opcode: 2, length: 2n ** 53n - 1n, payload: "abcdef", ...mask });
    const recorder = open();
    recorder.engine.receive(announced.slice());
    expect(recorder.parts).toEqual([[bytesOf("abcdef"), false]]);
    expect((recorder.parts[0]![0] as Uint8Array).buffer.byteLength).toBe(6);
    const beyond = open();
    beyond.engine.receive(frame({ opcode: 2, length: 2n ** 53n, payload: "abcdef", ...mask }).slice());
    expect(beyond.violation?.closeCode).toBe(1009);
    const sum = open();
    sum.engine.receive(frame({ opcode: 2, fin: false, payload: "a", ...mask }).slice());
    sum.engine.receive(frame({ opcode: 0, length: 2n ** 63n - 1n, payload: "abcdef", ...mask }).slice());
    expect(sum.violation?.closeCode).toBe(1009);
  });

  it("are not the compressed ones: those stay whole, and within maxMessageSize", () => {
    const roomy = { ...options, maxMessageSize: 100, deflate: {} };
    const compressed = deflated("x".repeat(50));
    const at = Math.ceil(compressed.length / 2);
    const frames = hex`${frame({ opcode: 1, rsv: 4, fin: false, payload: compressed.subarray(0, at) })}${
      frame({ opcode: 0, payload: compressed.subarray(at) })
    }`;
    const recorder = open(roomy);
    for (const chunk of split(wire(frames), 3)) recorder.engine.receive(chunk.slice());
    expect([recorder.parts, recorder.messages]).toEqual([[], ["x".repeat(50)]]);
    const bomb = open({ ...roomy, maxMessageSize: 49 });
    bomb.engine.receive(wire(frame({ opcode: 1, rsv: 4, payload: compressed })).slice());
    expect(bomb.violation?.closeCode).toBe(1009);
    const many = open({ ...roomy, maxFragments: 1 });
    many.engine.receive(wire(frames).slice());
    expect(many.violation?.closeCode).toBe(1009);
  });

  it("are many, however small they are", () => {
    const recorder = open();
    recorder.engine.receive(wire(hex`02 00`).slice());
    for (let i = 0; i < 10_000; i++) recorder.engine.receive(wire(hex`00 01 61 00 00`).slice());
    recorder.engine.receive(wire(hex`80 00`).slice());
    expect(recorder.parts.length).toBe(10_002);
    expect((recorder.messages[0] as Uint8Array).length).toBe(10_000);
  });
});
