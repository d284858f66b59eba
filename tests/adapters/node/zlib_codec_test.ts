import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  deflateRawSync,
  type InflateRaw,
  inflateRawSync,
} from "node:zlib";
import { describe, expect, it } from "vitest";

import { zlibCodec } from "../../../src/adapters/node/zlib_codec.ts";
import { concat, EMPTY, encodeUtf8 } from "../../../src/bytes.ts";
import { hex, sameBytes, toHex } from "../../support/hex.ts";
import { Random } from "../../support/random.ts";

const HELLO = encodeUtf8("Hello");
/** "Hello" in a block that is not final, and in one that is (§7.2.3.1, §7.2.3.4). */
const HELLO_BLOCK = hex`f2 48 cd c9 c9 07 00`;
const HELLO_FINAL = hex`f3 48 cd c9 c9 07 00`;
/** An H, and four bytes copied from five bytes before (§7.2.3.2). */
const COPY_FIVE = hex`f2 00 11 00 00`;
const MAX_FINAL_BLOCKS = 16;
const DENO = "Deno" in globalThis;

function deflate(message: Uint8Array, window: Uint8Array = EMPTY, windowBits = 15, level = 6): Uint8Array {
  return zlibCodec.deflate(message, window, windowBits, level);
}

function inflate(payload: Uint8Array, window: Uint8Array = EMPTY, limit = Infinity): Uint8Array {
  return zlibCodec.inflate(payload, window, limit);
}

function inflateText(payload: Uint8Array, window: Uint8Array = EMPTY): string {
  return new TextDecoder().decode(inflate(payload, window));
}

/** What it threw, whatever else it did. */
function failureOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function acceptedCuts(payload: Uint8Array, window: Uint8Array = EMPTY): number[] {
  const cuts = Array.from({ length: payload.length }, (_, length) => length);
  return cuts.filter((length) => failureOf(() => inflate(payload.slice(0, length), window)) === undefined);
}

/** `message` as one stream that ends in a final block. */
function finalBlock(message: Uint8Array, level = 6): Uint8Array {
  return deflateRawSync(message, { level });
}

function times(count: number, bytes: Uint8Array): Uint8Array {
  return concat(...Array.from({ length: count }, () => bytes));
}

function price(random: Random): Uint8Array {
  const levels = () =>
    Array.from({ length: 1 + random.below(12) }, () => [random.below(10_000) / 100, random.below(99)]);
  const symbol = random.pick(["ADA", "BTC", "ETH", "XRP"]);
  return encodeUtf8(JSON.stringify({ event: "price", id: random.below(1e6), symbol, bids: levels(), asks: levels() }));
}

function anyMessage(random: Random): Uint8Array {
  const size = random.oneIn(12) ? random.below(45_000) : random.length(1_024);
  switch (random.below(5)) {
    case 0:
      return new Uint8Array(size).fill(random.below(3));
    case 1:
      return random.bytes(Math.min(size, 9_000));
    case 2:
      return encodeUtf8(random.text(Math.min(size, 3_000)));
    default:
      return size > 1_024 ? concat(...Array.from({ length: 30 }, () => price(random))) : price(random);
  }
}

/** What comes out of a live zlib stream, message by message: how other libraries do it. */
class LiveStream {
  readonly #stream: DeflateRaw | InflateRaw;
  readonly #parts: Uint8Array[] = [];
  readonly #failed: Promise<never>;

  constructor(stream: DeflateRaw | InflateRaw) {
    this.#stream = stream;
    stream.on("data", (part: Uint8Array) => this.#parts.push(part));
    this.#failed = new Promise((_, reject) => stream.on("error", reject));
    this.#failed.catch(() => {});
  }

  async put(bytes: Uint8Array): Promise<Uint8Array> {
    const flushed = new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes);
      this.#stream.flush(constants.Z_SYNC_FLUSH, ((error) => error ? reject(error) : resolve()) as Done);
    });
    await Promise.race([flushed, this.#failed]);
    return concat(...this.#parts.splice(0));
  }

  close(): void {
    this.#stream.close();
  }
}

/** Deno hands it an error; no type says so. */
type Done = (error?: Error | null) => void;

describe("RFC 7692 §7.2.3", () => {
  it.each([
    ["1. one block", HELLO_BLOCK],
    ["3. a block without compression", hex`00 05 00 fa ff 48 65 6c 6c 6f 00`],
    ["4. a final block", hex`f3 48 cd c9 c9 07 00 00`],
    ["5. two blocks", hex`f2 48 05 00 00 00 ff ff ca c9 c9 07 00`],
  ])("%s", (_, payload) => {
    expect(inflateText(payload)).toBe("Hello");
  });

  it("1. two fragments, put together", () => {
    expect(inflateText(concat(hex`f2 48 cd`, hex`c9 c9 07 00`))).toBe("Hello");
  });

  it("2. two messages with a shared window, and without", () => {
    expect(inflateText(COPY_FIVE, HELLO)).toBe("Hello");
    expect(inflateText(HELLO_BLOCK, HELLO)).toBe("Hello");
    expect(failureOf(() => inflate(COPY_FIVE))).toBeInstanceOf(Error);
    expect(failureOf(() => inflate(COPY_FIVE, HELLO.subarray(2)))).toBeInstanceOf(Error);
  });

  it("6. an empty message", () => {
    expect(toHex(deflate(EMPTY))).toBe("00");
    expect(toHex(deflate(EMPTY, HELLO))).toBe("00");
    for (const payload of [hex`00`, hex`02 00`, hex`03 00 00`]) {
      expect(inflate(payload)).toHaveLength(0);
      expect(inflate(payload, HELLO, 0)).toHaveLength(0);
    }
  });

  it("makes the RFC's own bytes", () => {
    expect(toHex(deflate(HELLO))).toBe(toHex(HELLO_BLOCK));
    expect(toHex(deflate(HELLO, EMPTY, 15, 0))).toBe("00 05 00 fa ff 48 65 6c 6c 6f 00");
  });
});

describe("final blocks", () => {
  it("go on with what follows, in one history", () => {
    expect(inflateText(concat(HELLO_FINAL, HELLO_BLOCK))).toBe("HelloHello");
    expect(inflateText(concat(HELLO_FINAL, COPY_FIVE))).toBe("HelloHello");
    expect(inflateText(concat(HELLO_FINAL, HELLO_FINAL, COPY_FIVE))).toBe("HelloHelloHello");
    expect(inflateText(concat(hex`03 00 01 00 00 ff ff`, HELLO_FINAL, hex`03 00 00`))).toBe("Hello");
  });

  it("reach back into a window of any size", () => {
    for (const size of [5, 6, 255, 256, 4_096, 32_767, 32_768]) {
      const window = new Uint8Array(size);
      window.set(HELLO, size - 5);
      expect(inflateText(concat(hex`03 00`, COPY_FIVE), window)).toBe("Hello");
      expect(inflateText(concat(hex`03 00`, HELLO_FINAL, hex`03 00`, COPY_FIVE), window)).toBe("HelloHello");
      expect(inflateText(concat(HELLO_FINAL, times(12, hex`03 00`), COPY_FIVE), window)).toBe("HelloHello");
    }
  });

  it("reach back 32 KiB, and no further", () => {
    // Three bytes, copied from 32 768 bytes before.
    const copyThree = hex`02 de ff 0f 00`;
    const window = new Uint8Array(32_768);
    window.set(HELLO);
    for (const before of [EMPTY, hex`03 00`, hex`03 00 03 00`]) {
      const payload = concat(before, copyThree);
      expect(inflateText(payload, window)).toBe("Hel");
      expect(failureOf(() => inflate(payload, window.subarray(1)))).toBeInstanceOf(Error);
    }
  });

  it("may come after output of any length, of a full buffer too", () => {
    for (let size = 2_036; size < 2_052; size++) {
      const zeros = new Uint8Array(size);
      const whole = inflate(concat(finalBlock(zeros), COPY_FIVE));
      if (!sameBytes(whole, concat(zeros, hex`48 00 00 00 00`))) expect.fail(`${size} bytes`);
    }
    const random = new Random(11);
    const parts = Array.from({ length: 15 }, () => random.bytes(random.below(9_000)));
    const window = random.bytes(700);
    const payload = concat(...parts.map((part) => finalBlock(part, random.below(10))), hex`00`);
    expect(sameBytes(inflate(payload, window), concat(...parts))).toBe(true);
  });

  it("may be many, but not without end", () => {
    const many = times(MAX_FINAL_BLOCKS, HELLO_FINAL);
    expect(inflate(concat(many, hex`00`))).toHaveLength(MAX_FINAL_BLOCKS * 5);
    const endless = Uint8Array.from({ length: 1e6 }, (_, i) => i % 2 === 0 ? 0x03 : 0x00);
    for (const payload of [concat(many, HELLO_FINAL, hex`00`), endless]) {
      const start = performance.now();
      const failure = failureOf(() => inflate(payload, new Uint8Array(32_768), 1e6));
      expect(failure).toBeInstanceOf(Error);
      expect(failure).not.toBeInstanceOf(RangeError);
      // Some 10 ms; copying what is left for each of them would take 100 times as long.
      expect(performance.now() - start).toBeLessThan(1_000);
    }
  });
});

describe("a payload that is not one whole message", () => {
  const random = new Random(27);
  const mixed = concat(price(random), random.bytes(120), new Uint8Array(90));

  it.each<[string, Uint8Array, number[]?]>([
    ["the RFC's block", HELLO_BLOCK],
    ["a final block", concat(HELLO_FINAL, hex`00`)],
    ["final blocks", concat(HELLO_FINAL, HELLO_FINAL, HELLO_FINAL, hex`00`)],
    ["a final block and one that is not", concat(HELLO_FINAL, HELLO_BLOCK)],
    ["a final block of more", concat(finalBlock(mixed), hex`00`)],
    ["an empty message", hex`00`],
    ["JSON", deflate(price(random))],
    ["zeros", deflate(new Uint8Array(5_000))],
    ["the window of a message before", deflate(mixed, mixed.subarray(100), 12, 9)],
    ["a mixture, fast", deflate(mixed, EMPTY, 9, 1)],
    ["a mixture, small", deflate(mixed, EMPTY, 15, 9)],
    // Their first byte alone is an empty message (§7.2.3.6).
    ["a stored block", hex`00 05 00 fa ff 48 65 6c 6c 6f 00`, [1]],
    ["a final stored block", concat(finalBlock(HELLO, 0), hex`00`), [1]],
    ["random bytes", deflate(random.bytes(200)), [1]],
    ["a mixture, stored", deflate(mixed, EMPTY, 15, 0), [1]],
  ])("is refused when it was cut, at each byte: %s", (_, payload, accepted = []) => {
    const window = mixed.subarray(100);
    expect(failureOf(() => inflate(payload, window))).toBeUndefined();
    expect(acceptedCuts(payload, window)).toEqual(accepted);
    for (const cut of accepted) expect(inflate(payload.slice(0, cut), window)).toHaveLength(0);
  });

  it("is refused when it was cut, at each byte: whatever it holds", () => {
    for (let round = 0; round < 5; round++) {
      const message = concat(price(random), random.bytes(random.below(100)), new Uint8Array(9));
      const payload = random.oneIn(3)
        ? concat(finalBlock(message, 6), hex`00`)
        : deflate(message, EMPTY, 12, 1 + random.below(9));
      if (acceptedCuts(payload).length > 0) expect.fail(toHex(payload));
    }
  });

  it("is a message by itself where it was cut just behind a flush", () => {
    const payload = hex`f2 48 05 00 00 00 ff ff ca c9 c9 07 00`;
    expect(acceptedCuts(payload)).toEqual([4]);
    expect(inflateText(payload.subarray(0, 4))).toBe("He");
  });

  it("is refused when a byte follows, whichever", () => {
    const messages = [HELLO_BLOCK, concat(HELLO_FINAL, hex`00`), hex`00`, deflate(mixed), deflate(HELLO, EMPTY, 15, 0)];
    for (const message of messages) {
      for (let byte = 0; byte < 256; byte++) {
        const failure = failureOf(() => inflate(concat(message, Uint8Array.of(byte))));
        expect(failure).toBeInstanceOf(Error);
      }
    }
  });

  it.each([
    ["nothing at all", EMPTY],
    ["a flush that was not cut off", concat(HELLO_BLOCK, hex`00 00 ff ff`)],
    ["a final block without the flush after it", HELLO_FINAL],
    ["the same with a whole stream behind it", concat(HELLO_FINAL, HELLO_FINAL)],
    ["a block type that is reserved", hex`06 00`],
    ["a stored block whose lengths differ", hex`00 05 00 fa fe 48 65 6c 6c 6f 00`],
    ["a stored block longer than all of it", hex`00 20 00 df ff 48 65 6c 6c 6f 00`],
    ["text", encodeUtf8("no deflate at all")],
    ["a reference to before the beginning", concat(hex`03 00`, COPY_FIVE)],
  ])("is refused: %s", (_, payload) => {
    const failure = failureOf(() => inflate(payload));
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(RangeError);
  });

  it("is never taken for something else than a live stream takes it for", () => {
    let accepted = 0;
    for (let round = 0; round < 800; round++) {
      const payload = deflate(random.oneIn(2) ? price(random) : random.bytes(30), EMPTY, 15, random.below(10)).slice();
      const flips = 1 + random.below(3);
      for (let i = 0; i < flips; i++) payload[random.below(payload.length)]! ^= 1 << random.below(8);
      let output: Uint8Array;
      try {
        output = inflate(payload, EMPTY, 100_000);
      } catch {
        continue;
      }
      accepted++;
      const live = inflateRawSync(concat(payload, hex`00 00 ff ff`), { finishFlush: constants.Z_SYNC_FLUSH });
      if (!sameBytes(output.subarray(0, live.length), live)) expect.fail(toHex(payload));
    }
    // Flipped literals of a stored or fixed block do no harm to the rest.
    expect(accepted).toBeGreaterThan(20);
  });
});

describe("the limit", () => {
  const random = new Random(3);

  it("is exact", () => {
    const window = random.bytes(4_096);
    for (const size of [1, 2, 100, 2_047, 2_048, 2_049, 16_384, 65_535, 65_536, 65_537, 200_000]) {
      const message = random.bytes(size >> 1), zeros = new Uint8Array(size - message.length);
      for (const payload of [deflate(concat(message, zeros)), concat(finalBlock(message), deflate(zeros))]) {
        for (const before of [EMPTY, window]) {
          expect(inflate(payload, before, size)).toHaveLength(size);
          expect(inflate(payload, before, size + 1)).toHaveLength(size);
          expect(failureOf(() => inflate(payload, before, size - 1))).toBeInstanceOf(RangeError);
          expect(failureOf(() => inflate(payload, before, 0))).toBeInstanceOf(RangeError);
        }
      }
    }
  });

  it("may be more than there is memory", () => {
    for (const limit of [2 ** 31 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Infinity]) {
      expect(inflateText(COPY_FIVE, HELLO)).toBe("Hello");
      expect(inflate(HELLO_BLOCK, HELLO, limit)).toHaveLength(5);
    }
  });

  it("ends a bomb soon, in one stream and in many", () => {
    const mebibyte = deflate(new Uint8Array(2 ** 20), EMPTY, 15, 9);
    const bombs = [
      deflate(new Uint8Array(16 * 2 ** 20), EMPTY, 15, 9),
      times(16, concat(mebibyte, hex`00 00 ff ff`)),
      times(200, finalBlock(new Uint8Array(2 ** 17), 9)),
    ];
    for (const bomb of bombs) {
      expect(bomb.length).toBeLessThan(50_000);
      const start = performance.now();
      expect(failureOf(() => inflate(bomb, HELLO, 2 ** 20))).toBeInstanceOf(RangeError);
      // Some 10 ms.
      expect(performance.now() - start).toBeLessThan(1_000);
    }
  });

  it("is passed before the end is looked at", () => {
    const cut = deflate(new Uint8Array(2 ** 20)).slice(0, -10);
    expect(failureOf(() => inflate(cut, EMPTY, 1_000))).toBeInstanceOf(RangeError);
  });
});

describe("a message that ends like what the codec puts behind it", () => {
  const ends = [hex`00 00 ff ff`, hex`04 00 fb ff`, hex`a7 3c e1 5d`, hex`04 00 fb ff a7 3c e1 5d`];

  it.each(ends.map((end) => [toHex(end), end] as const))("is nothing special: %s", (_, end) => {
    for (const message of [end, concat(HELLO, end), concat(HELLO, end, hex`03 00`)]) {
      for (const level of [0, 9]) {
        const payload = deflate(message, EMPTY, 15, level);
        expect(toHex(inflate(payload, EMPTY, message.length))).toBe(toHex(message));
        expect(toHex(inflate(payload, message))).toBe(toHex(message));
        expect(toHex(inflate(concat(finalBlock(message, level), hex`00`)))).toBe(toHex(message));
        expect(toHex(inflate(concat(finalBlock(message, level), payload)))).toBe(toHex(concat(message, message)));
        expect(acceptedCuts(payload)).toEqual(level === 0 ? [1] : []);
      }
    }
  });

  it("may have the flush in a final block", () => {
    expect(inflateText(hex`01`)).toBe("");
    expect(inflateText(hex`00 05 00 fa ff 48 65 6c 6c 6f 01`)).toBe("Hello");
    expect(inflateText(concat(HELLO_FINAL, hex`01`))).toBe("Hello");
  });
});

describe("the bytes", () => {
  it("that it is given are left as they are, wherever they lie", () => {
    const random = new Random(5);
    const all = concat(times(40, HELLO), random.bytes(100)), before = all.slice();
    const [message, window] = [all.subarray(53, 251), all.subarray(7, 152)];
    const payload = deflate(message, window, 12, 3).slice();
    const around = concat(random.bytes(13), payload, random.bytes(13)), aroundBefore = around.slice();
    const inside = around.subarray(13, 13 + payload.length);
    expect(sameBytes(inflate(inside, window), message)).toBe(true);
    expect(sameBytes(all, before)).toBe(true);
    expect(sameBytes(around, aroundBefore)).toBe(true);
  });

  it("that it hands out are its own no more", () => {
    const random = new Random(6);
    const window = random.bytes(100);
    const results: [Uint8Array, Uint8Array][] = [];
    for (let round = 0; round < 50; round++) {
      const message = random.bytes(random.below(50));
      const payload = deflate(message, window), output = inflate(payload, window);
      results.push([payload, payload.slice()], [output, output.slice()]);
      payload.fill(0xee);
      results.at(-2)![1].fill(0xee);
    }
    expect(results.every(([now, then]) => sameBytes(now, then))).toBe(true);
  });

  it("compress to whatever fills a buffer exactly", () => {
    const noise = new Random(8).bytes(65_540);
    for (const around of [2_048, 65_536]) {
      for (let size = around - 14; size < around + 2; size++) {
        const message = noise.subarray(0, size);
        if (!sameBytes(inflate(deflate(message, EMPTY, 15, size % 2)), message)) expect.fail(`${size} bytes`);
      }
    }
  });
});

describe("deflate", () => {
  const message = price(new Random(9));

  it(DENO ? "makes no use of the window, and no harm" : "is helped by the window", () => {
    const [alone, helped] = [deflate(message), deflate(message, message)];
    expect(helped.length * 5 < alone.length).toBe(!DENO);
    expect(helped.length).toBeLessThanOrEqual(alone.length);
  });

  it("compresses more on a higher level, and reaches further back with a larger window", () => {
    const random = new Random(10);
    const messages = concat(...Array.from({ length: 40 }, () => price(random)));
    const sizes = [0, 1, 9].map((level) => deflate(messages, EMPTY, 15, level).length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const noise = random.bytes(1_500), twice = concat(noise, noise);
    expect(deflate(twice, EMPTY, 12).length).toBeLessThan(2_000);
    expect(deflate(twice, EMPTY, 10).length).toBeGreaterThan(2_900);
  });
});

describe("beside a live zlib stream, with context takeover", () => {
  for (const windowBits of [9, 10, 11, 12, 13, 14, 15]) {
    it(`deflates and inflates the same messages, window ${windowBits}`, async () => {
      const random = new Random(windowBits);
      for (const level of [1, 3, 6, 9]) {
        const compressor = new LiveStream(createDeflateRaw({ windowBits, level }));
        // In pieces this small it holds no history but its window, and so refuses what reaches further back.
        const inflater = new LiveStream(createInflateRaw({ windowBits, chunkSize: 256 }));
        let window = EMPTY;
        for (let i = 0; i < 11; i++) {
          const message = anyMessage(random), about = `level ${level}, message ${i} of ${message.length} bytes`;

          const theirs = await compressor.put(message);
          expect(toHex(theirs.subarray(-4)), about).toBe("00 00 ff ff");
          if (!sameBytes(inflate(theirs.subarray(0, -4), window, message.length), message)) expect.fail(about);

          const ours = deflate(message, window, windowBits, level);
          if (!sameBytes(await inflater.put(concat(ours, hex`00 00 ff ff`)), message)) expect.fail(about);
          if (!sameBytes(inflate(ours, window, message.length), message)) expect.fail(about);

          window = concat(window, message).slice(-(2 ** windowBits));
        }
        compressor.close();
        inflater.close();
      }
    });
  }
});
