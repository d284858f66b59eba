import { describe, expect, it } from "vitest";

import type { ByteSink } from "../../src/transport/byte_transport.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import { hex, toHex } from "../support/hex.ts";

class Words implements ByteSink {
  readonly words: string[] = [];
  onWord: () => void = () => {};
  bytes(chunk: Uint8Array): void {
    this.#say(toHex(chunk));
    chunk.fill(0xee);
  }
  drained(): void {
    this.#say("drained");
  }
  ended(): void {
    this.#say("ended");
  }
  closed(error?: Error): void {
    this.#say(`closed ${error?.message ?? ""}`.trimEnd());
  }
  #say(word: string): void {
    this.words.push(word);
    this.onWord();
  }
}

function open(options?: Parameters<typeof memoryPair>[0]) {
  const [a, b] = memoryPair(options);
  const [atA, atB] = [new Words(), new Words()];
  a.start(atA);
  b.start(atB);
  return { a, b, atA, atB };
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe("memoryPair", () => {
  it("carries bytes both ways, later, in order, as copies", async () => {
    const { a, b, atA, atB } = open();
    const mine = hex`01 02`;
    a.write(mine);
    a.write(hex`03`);
    b.write(hex`04`);
    mine.fill(0);
    expect([...atA.words, ...atB.words]).toEqual([]);
    await settle();
    expect(atB.words).toEqual(["01 02", "03"]);
    expect(atA.words).toEqual(["04"]);
    expect(toHex(mine)).toBe("00 00");
  });

  it("holds what comes before its start", async () => {
    const [a, b] = memoryPair();
    a.start(new Words());
    a.write(hex`01`);
    a.end();
    await settle();
    const atB = new Words();
    b.start(atB);
    expect(atB.words).toEqual([]);
    await settle();
    expect(atB.words).toEqual(["01", "ended"]);
  });

  it("splits", async () => {
    const { a, atB } = open({ chunkBytes: 2 });
    a.write(hex`01 02 03 04 05`);
    await settle();
    expect(atB.words).toEqual(["01 02", "03 04", "05"]);
  });

  it("answers false from its mark on, counts, and says when it drained", async () => {
    const { a, atA } = open({ highWaterMark: 3 });
    expect(a.write(hex`01 02`)).toBe(true);
    expect(a.write(hex`03`)).toBe(false);
    expect(a.bufferedAmount).toBe(3);
    await settle();
    expect([a.bufferedAmount, atA.words]).toEqual([0, ["drained"]]);
    a.write(hex`01`);
    await settle();
    expect(atA.words).toEqual(["drained"]);
  });

  it("pauses in the middle of a delivery, and resumes", async () => {
    const { a, b, atB } = open({ chunkBytes: 1 });
    atB.onWord = () => b.pause();
    a.write(hex`01 02`);
    a.end();
    await settle();
    expect(atB.words).toEqual(["01"]);
    b.resume();
    await settle();
    expect(atB.words).toEqual(["01", "02"]);
    b.resume();
    await settle();
    expect(atB.words).toEqual(["01", "02", "ended"]);
  });

  it("closes when both directions have ended, and lets the other half flow", async () => {
    const { a, b, atA, atB } = open();
    a.write(hex`01`);
    a.end();
    expect(a.write(hex`02`)).toBe(false);
    await settle();
    b.write(hex`03`);
    await settle();
    b.end();
    await settle();
    expect(atB.words).toEqual(["01", "ended", "closed"]);
    expect(atA.words).toEqual(["03", "ended", "closed"]);
  });

  it("drops everything when it is destroyed, and the peer hears of a reset, each once", async () => {
    const { a, b, atA, atB } = open();
    a.write(hex`01`);
    a.destroy();
    b.destroy();
    expect(a.write(hex`02`)).toBe(false);
    await settle();
    expect([atA.words, atB.words]).toEqual([["closed"], ["closed Connection reset by peer"]]);
  });

  it("is lost with an error; a sink that starts later hears it too", async () => {
    const [a, b] = memoryPair();
    const atA = new Words();
    a.start(atA);
    a.lose(new Error("cable"));
    await settle();
    const atB = new Words();
    b.start(atB);
    await settle();
    expect([atA.words, atB.words]).toEqual([["closed cable"], ["closed Connection reset by peer"]]);
  });

  it("sticks, and goes on", async () => {
    const { a, atB } = open();
    a.stick();
    a.write(hex`01`);
    a.end();
    await settle();
    expect(atB.words).toEqual([]);
    a.unstick();
    await settle();
    expect(atB.words).toEqual(["01", "ended"]);
  });
});
