import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { zlibCodec } from "../../src/adapters/node/zlib_codec.ts";
import { frameMessage } from "../../src/protocol/frame_writer.ts";
import { compressedBound, PermessageDeflate } from "../../src/protocol/permessage_deflate.ts";
import type { Role } from "../../src/protocol/engine.ts";
import { deflated } from "../support/deflated.ts";
import { bytesOf, frame, joined, readFrames } from "../support/frames.ts";
import { hex, sameBytes, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { deflateOf, Recorder } from "../support/recorder.ts";
import { transcript } from "../support/transcript.ts";

const ROLES: readonly Role[] = ["server", "client"];
const STARTS_ANEW = { windowBits: 15, takeover: false };

describe("RFC 7692 §7.2.3: its own examples", () => {
  const client = (wire: Uint8Array, ...words: string[]) =>
    transcript({ role: "client", in: wire, expect: words, options: { deflate: {} } });

  it("a message in one frame", () => client(hex`c1 07 f2 48 cd c9 c9 07 00`, "text Hello"));
  it("a message in two frames", () => client(hex`41 03 f2 48 cd 80 04 c9 c9 07 00`, "text Hello"));
  it("two messages that share a history", () =>
    client(hex`c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00`, "text Hello", "text Hello"));
  it("a block without compression", () => client(hex`c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00`, "text Hello"));
  it("a final block", () => client(hex`c1 08 f3 48 cd c9 c9 07 00 00`, "text Hello"));
  it("two blocks", () => client(hex`c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00`, "text Hello"));
  it("§7.2.3.6: an empty message", () => client(hex`c1 01 00 c2 01 00`, "text", "binary"));
});

describe.each(ROLES)("reading compressed messages as a %s", (role) => {
  const options = { deflate: {} };
  const read = (parts: Parameters<typeof frame>[0][], ...words: string[]) =>
    transcript({
      role,
      options,
      in: joined(parts.map((part) => frame({ ...part, ...(role === "server" && { key: [1, 2, 3, 4] }) }))),
      expect: words,
    });
  const hello = deflated("Hello");
  const close = (code: number, reason: string) => {
    const payload = hex`${Uint8Array.of(code >> 8, code & 255)}${bytesOf(reason)}`;
    return `write ${toHex(frame({ opcode: 8, payload, ...(role === "client" && { key: [0x37, 0xfa, 0x21, 0x3d] }) }))}`;
  };

  it("takes compressed and plain messages in turn, and control frames between the parts", () => {
    read(
      [
        { opcode: 1, rsv: 4, payload: hello },
        { opcode: 2, payload: hex`01 02` },
        { opcode: 2, rsv: 4, fin: false, payload: hello.subarray(0, 2) },
        { opcode: 9, payload: hex`70` },
        { opcode: 0, payload: hello.subarray(2) },
        { opcode: 1, payload: "é" },
      ],
      "text Hello",
      "binary 01 02",
      "ping 70",
      "binary 48 65 6c 6c 6f",
      "text é",
      role === "server" ? "write 8a 01 70" : "write 8a 81 37 fa 21 3d 47",
    );
  });

  it.each([
    ["on a continuation", [{ opcode: 1, rsv: 4, fin: false, payload: "" }, { opcode: 0, rsv: 4, payload: "" }]],
    ["on a ping", [{ opcode: 9, rsv: 4, payload: "" }]],
    ["on a close frame", [{ opcode: 8, rsv: 4, payload: "" }]],
  ])("§6: RSV1 %s is refused", (_, parts) => {
    read(parts, "failed 1002 §5.2", close(1002, "Frame with a reserved bit set"));
  });

  it.each([[1], [2], [3], [5], [6], [7]])("reserved bits %d, on a message, are refused", (rsv) => {
    read([{ opcode: 1, rsv, payload: hello }], "failed 1002 §5.2", close(1002, "Frame with a reserved bit set"));
  });

  it("§8.1: checks text once it is inflated, and not before", () => {
    const reason = "Text that is not UTF-8";
    read([{ opcode: 1, rsv: 4, payload: deflated(hex`61 ff 62`) }], "failed 1007 §8.1", close(1007, reason));
    const two = deflated(hex`e2 82 ac ff`);
    const parts = [{ opcode: 1, rsv: 4, fin: false, payload: two.subarray(0, 1) }, {
      opcode: 0,
      payload: two.subarray(1),
    }];
    read(parts, "failed 1007 §8.1", close(1007, reason));
    read([{ opcode: 2, rsv: 4, payload: deflated(hex`ff`) }], "binary ff");
  });

  it("RFC 7692 §7.2.2: refuses what cannot be inflated, whole or in parts", () => {
    const reason = close(1007, "Message that cannot be inflated");
    const failed = "failed 1007 RFC 7692 §7.2.2";
    read([{ opcode: 2, rsv: 4, payload: hex`ff ff 01` }], failed, reason);
    read([{ opcode: 1, rsv: 4, payload: hello.subarray(0, 3) }], failed, reason);
    const parts = [{ opcode: 2, rsv: 4, fin: false, payload: hello.subarray(0, 2) }, { opcode: 0, payload: hex`` }];
    read(parts, failed, reason);
  });

  it("Z3: bounds the inflated message, inclusive, and what may still be inflated", () => {
    const peer = role === "server" ? { key: [1, 2, 3, 4] } : {};
    const play = (size: number, fragments: number): string[] => {
      const recorder = new Recorder({ role, maxMessageSize: 1_000, deflate: {} });
      const payload = deflated(new Uint8Array(size));
      const cut = Math.ceil(payload.length / fragments);
      for (let at = 0, n = 0; at < payload.length; at += cut, n++) {
        const part = payload.subarray(at, at + cut);
        const first = n === 0 ? { opcode: 2, rsv: 4 } : { opcode: 0 };
        recorder.engine.receive(frame({ ...first, fin: at + cut >= payload.length, payload: part, ...peer }));
      }
      return recorder.words.map((word) => word.slice(0, 11));
    };
    for (const fragments of [1, 3]) {
      expect(play(1_000, fragments)).toEqual(["binary 00 0"]);
      expect(play(1_001, fragments)).toEqual(["failed 1009"]);
      expect(play(500_000, fragments)).toEqual(["failed 1009"]);
    }
  });

  it("U6: refuses at the header what is longer than any way to compress what is allowed", () => {
    const peer = role === "server" ? { key: [1, 2, 3, 4] } : {};
    const most = compressedBound(1_000);
    const header = (length: number) =>
      frame({ opcode: 2, rsv: 4, payload: new Uint8Array(length), ...peer }).slice(0, 8);
    const play = (length: number) => {
      const recorder = new Recorder({ role, maxMessageSize: 1_000, deflate: {} });
      recorder.engine.receive(header(length));
      return recorder.words;
    };
    expect(play(most)).toEqual([]);
    expect(play(most + 1)).toEqual(["failed 1009"]);
    // A plain message has no such room.
    const plain = new Recorder({ role, maxMessageSize: 1_000, deflate: {} });
    plain.engine.receive(frame({ opcode: 2, payload: new Uint8Array(1_001), ...peer }).slice(0, 8));
    expect(plain.words).toEqual(["failed 1009"]);
  });

  it("U6: holds a short plain message to maxMessageSize too", () => {
    const peer = role === "server" ? { key: [1, 2, 3, 4] } : {};
    const play = (length: number) => {
      const recorder = new Recorder({ role, maxMessageSize: 10, deflate: {} });
      recorder.engine.receive(frame({ opcode: 2, payload: new Uint8Array(length), ...peer }));
      return recorder.words.map((word) => word.slice(0, 11));
    };
    expect([play(10), play(11), play(70)]).toEqual([["binary 00 0"], ["failed 1009"], ["failed 1009"]]);
  });

  it("takes a message at the limit that its peer compressed to something longer", () => {
    const noise = new Random(3).bytes(5_000);
    const payload = deflateRawSync(noise, { level: 0, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    expect(payload.length).toBeGreaterThan(noise.length);
    const recorder = new Recorder({ role, maxMessageSize: 5_000, deflate: {} });
    recorder.engine.receive(frame({ opcode: 2, rsv: 4, payload, ...(role === "server" && { key: [1, 2, 3, 4] }) }));
    expect(sameBytes(recorder.messages[0] as Uint8Array, noise)).toBe(true);
  });

  it("takes it in fragments too, and no frame above maxFrameSize", () => {
    const peer = role === "server" ? { key: [1, 2, 3, 4] } : {};
    const noise = new Random(3).bytes(5_000);
    const payload = deflateRawSync(noise, { level: 0, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const recorder = new Recorder({ role, maxMessageSize: 5_000, deflate: {} });
    recorder.engine.receive(frame({ opcode: 2, rsv: 4, fin: false, payload: payload.subarray(0, -1), ...peer }));
    recorder.engine.receive(frame({ opcode: 0, payload: payload.subarray(-1), ...peer }));
    expect(sameBytes(recorder.messages[0] as Uint8Array, noise)).toBe(true);

    const narrow = new Recorder({ role, maxFrameSize: 100, deflate: {} });
    narrow.engine.receive(frame({ opcode: 2, rsv: 4, payload: deflated(new Random(4).bytes(101)), ...peer }));
    expect(narrow.words).toEqual(["failed 1009"]);
  });

  it("hands out bytes that own their buffer", () => {
    const recorder = new Recorder({ role, deflate: {} });
    const payload = deflated(new Uint8Array(300).fill(7));
    recorder.engine.receive(frame({ opcode: 2, rsv: 4, payload, ...(role === "server" && { key: [1, 2, 3, 4] }) }));
    expect((recorder.messages[0] as Uint8Array).buffer.byteLength).toBe(300);
  });
});

describe.each(ROLES)("writing compressed messages as a %s", (role) => {
  const sent = (recorder: Recorder) => {
    recorder.engine.flush();
    return readFrames(joined(recorder.writes));
  };

  it("§6.1: marks the first frame, and no other", () => {
    const recorder = new Recorder({ role, deflate: {}, maxFrameSize: 10 });
    recorder.engine.send("abcdefghij0123456789".repeat(3));
    recorder.engine.send(new Uint8Array(100));
    const heads = sent(recorder).map(({ opcode, header }) => [opcode, header[0]! & 0x70]);
    expect(heads.filter(([opcode]) => opcode !== 0)).toEqual([[1, 0x40], [2, 0x40]]);
    expect(heads.filter(([opcode]) => opcode === 0).every(([, bits]) => bits === 0)).toBe(true);
    expect(heads.length).toBeGreaterThan(3);
  });

  it("leaves control frames, messages in parts, short ones and those it is told to as they are", () => {
    const recorder = new Recorder({ role, deflate: { threshold: 100 } });
    const { engine } = recorder;
    engine.send("x".repeat(99));
    engine.send("x".repeat(100));
    engine.send("é".repeat(49));
    engine.send("é".repeat(50));
    engine.send(new Uint8Array(99));
    engine.send(new Uint8Array(100));
    engine.send("x".repeat(1_000), false);
    engine.sendPart("x".repeat(1_000), true);
    engine.ping(new Uint8Array(125));
    const bits = sent(recorder).map(({ header }) => header[0]! & 0x70);
    expect(bits).toEqual([0, 0x40, 0, 0x40, 0, 0x40, 0, 0, 0]);
  });

  it("sends as it is what does not get shorter, and does not count it to the history", () => {
    const recorder = new Recorder({ role, deflate: {} });
    const peer = new Recorder({ role: role === "server" ? "client" : "server", deflate: {} });
    const noise = new Random(5).bytes(600);
    const text = `${"hello, ".repeat(20)}`;
    const messages = [text, noise, text, noise, "", text];
    for (const message of messages) recorder.engine.send(message);
    const frames = sent(recorder);
    expect(frames.map(({ header }) => header[0]! & 0x70)).toEqual([0x40, 0, 0x40, 0, 0, 0x40]);
    peer.engine.receive(joined(recorder.writes));
    expect(peer.messages.map((message) => toHex(bytesOf(message)))).toEqual(messages.map((m) => toHex(bytesOf(m))));
  });

  it("§7.1.1: refers to what went before, unless it was agreed not to", () => {
    const text = JSON.stringify({ symbol: "ABC", price: 12.5, before: { symbol: "ABC", price: 12.25 }, at: "2026-01" });
    const sizes = (takeover: boolean) => {
      const recorder = new Recorder({ role, deflate: { outgoing: { windowBits: 12, takeover } } });
      for (let i = 0; i < 3; i++) recorder.engine.send(text);
      return sent(recorder).map(({ payload }) => payload.length);
    };
    const [first, second, third] = sizes(false);
    expect([second, third]).toEqual([first, first]);
    // Deno 2.9.6 takes no dictionary for raw deflate.
    if (!("Deno" in globalThis)) expect(sizes(true)[1]).toBeLessThan(first! / 2);
  });

  it("splits what is not worth compressing between characters", () => {
    const recorder = new Recorder({ role, deflate: {}, maxFrameSize: 11 });
    recorder.engine.send("é§ñçøåßµ");
    const texts = sent(recorder).map(({ payload }) => new TextDecoder("utf-8", { fatal: true }).decode(payload));
    expect(texts).toEqual(["é§ñçø", "åßµ"]);
  });

  it("never compresses for a window of 8 bits, which zlib would overrun", () => {
    const recorder = new Recorder({ role, deflate: { outgoing: { windowBits: 8, takeover: true } } });
    recorder.engine.send("x".repeat(1_000));
    expect(sent(recorder)[0]!.header[0]! & 0x70).toBe(0);
  });

  it("neither changes nor keeps the caller's bytes", () => {
    const recorder = new Recorder({ role, deflate: {} });
    const peer = new Recorder({ role: role === "server" ? "client" : "server", deflate: {} });
    const message = new Uint8Array(300).fill(7);
    recorder.engine.send(message);
    expect(message.every((byte) => byte === 7)).toBe(true);
    message.fill(8);
    recorder.engine.send(new Uint8Array(300).fill(7));
    recorder.engine.flush();
    peer.engine.receive(joined(recorder.writes));
    expect(peer.messages.map((m) => (m as Uint8Array).every((byte) => byte === 7))).toEqual([true, true]);
  });
});

describe("two engines", () => {
  const DIRECTIONS = [9, 12, 15].flatMap((windowBits) => [true, false].map((takeover) => ({ windowBits, takeover })));

  it.each(DIRECTIONS)("hear what the other said, with %j", (outgoing) => {
    const random = new Random(outgoing.windowBits);
    const a = new Recorder({ role: "client", maxMessageSize: 1e6, deflate: { outgoing, level: random.below(10) } });
    const b = new Recorder({ role: "server", maxMessageSize: 1e6, deflate: { incoming: outgoing } });
    const said: (string | Uint8Array)[] = [];
    for (let i = 0; i < 60; i++) {
      const piece = random.text(random.below(200));
      const message = random.pick([
        piece.repeat(1 + random.below(60)),
        bytesOf(piece),
        random.bytes(random.below(5_000)),
      ]);
      said.push(message);
      a.engine.send(message, !random.oneIn(8));
      if (random.oneIn(5)) a.engine.ping(random.bytes(3));
    }
    a.engine.flush();
    b.engine.receive(joined(a.writes).slice());
    expect(b.violation).toBeUndefined();
    expect(b.messages).toHaveLength(said.length);
    b.messages.forEach((message, i) => expect(toHex(bytesOf(message))).toBe(toHex(bytesOf(said[i]!))));
  });
});

describe("PermessageDeflate", () => {
  const WAYS = ["compress", "compressForMany"] as const;

  it("§7.1.2: refers no further back than the window reaches", () => {
    const noise = new Random(1).bytes(2_000);
    const twice = joined([noise, noise]);
    for (const way of WAYS) {
      expect(deflateOf({ outgoing: { windowBits: 10, takeover: false } })[way](twice)).toBeUndefined();
      expect(deflateOf({ outgoing: { windowBits: 12, takeover: false } })[way](twice)!.length).toBeLessThan(2_200);
    }
  });

  it("Z1: compresses with the level it was given", () => {
    const text = bytesOf(Array.from({ length: 400 }, (_, i) => `${i * i} `).join(""));
    for (const way of WAYS) {
      expect(deflateOf({ level: 0 })[way](text)).toBeUndefined();
      expect(deflateOf({ level: 9 })[way](text)!.length).toBeLessThan(deflateOf({ level: 1 })[way](text)!.length);
    }
  });

  it("Z2: keeps nothing of earlier messages without takeover, nor once it is cleared", () => {
    const hello = bytesOf("Hello, hello, hello");
    const refersBack = zlibCodec.deflate(hello, hello, 15, 6);
    // Where the runtime's compressor takes no history there is nothing that could refer to it.
    const refused = "Deno" in globalThis ? /^/ : /cannot be inflated/;
    const read = (deflate: PermessageDeflate): string => {
      try {
        return toHex(deflate.decompress(refersBack, 100));
      } catch (error) {
        return (error as Error).message;
      }
    };
    const anew = deflateOf({ incoming: { windowBits: 15, takeover: false } });
    anew.decompress(deflated(hello), 100);
    expect(read(anew)).toMatch(refused);

    const cleared = deflateOf();
    const first = cleared.compress(joined([hello, hello]))!.length;
    cleared.decompress(deflated(hello), 100);
    cleared.clear();
    expect(read(cleared)).toMatch(refused);
    expect(cleared.compress(joined([hello, hello]))!.length).toBe(first);
  });

  it("S12: sends to many as it is what does not get shorter", () => {
    const framed = frameMessage(new Random(3).bytes(600), Infinity, deflateOf());
    expect([framed.bytes[0], framed.inflated]).toEqual([0x82, undefined]);
  });

  it("S12: compresses once for many, whose histories slide by it", () => {
    const outgoing = { windowBits: 12, takeover: true };
    const many = Array.from({ length: 3 }, () => deflateOf({ outgoing }));
    const readers = many.map(() => deflateOf({ incoming: outgoing }));
    const message = bytesOf("a message for everybody, for everybody, for everybody");
    for (let round = 0; round < 3; round++) {
      const own = bytesOf(`one's own, and everybody's, ${round} ${round} ${round} ${round} ${round}`);
      many.forEach((one, i) => {
        const compressed = one.compress(own)!;
        expect(toHex(readers[i]!.decompress(compressed, 1e6))).toBe(toHex(own));
      });
      const shared = many[0]!.compressForMany(message)!;
      many.forEach((one, i) => {
        one.slide(message);
        expect(toHex(readers[i]!.decompress(shared, 1e6))).toBe(toHex(message));
      });
    }
    expect(many[0]!.kind).toBe(many[1]!.kind);
    expect(many[0]!.kind).not.toBe(deflateOf({ outgoing: { windowBits: 11, takeover: true } }).kind);
    expect(many[0]!.kind).not.toBe(deflateOf({ outgoing, threshold: 5 }).kind);
  });

  it("counts what it has inflated", () => {
    const deflate = deflateOf();
    deflate.decompress(deflated("x".repeat(500)), 1e6);
    deflate.decompress(deflated("x".repeat(20)), 1e6);
    expect([deflate.takeWork(), deflate.takeInflated()]).toEqual([520 + 2 * 16_384, 520]);
    expect([deflate.takeWork(), deflate.takeInflated()]).toEqual([0, 0]);
  });

  it("tells once that it is done with its history", () => {
    let told = 0;
    const deflate = new PermessageDeflate({
      codec: { deflate: (message) => message.slice(1), inflate: (payload) => payload },
      incoming: STARTS_ANEW,
      outgoing: STARTS_ANEW,
      threshold: 0,
      level: 1,
      onClear: () => told++,
    });
    deflate.clear();
    deflate.clear();
    expect(told).toBe(1);
  });
});
