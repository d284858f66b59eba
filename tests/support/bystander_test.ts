import { expect, it } from "vitest";
import { undisturbed } from "./bystander.ts";
import { failure, onSockets } from "./on_sockets.ts";

const { listen, upgraded } = onSockets();

const BOUNDS = { latest: 500, grownBy: 67_108_864 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("gives what an attack gives that nobody noticed", async () => {
  const scene = await listen();
  const attack = async (): Promise<string> => {
    const peer = await upgraded(scene.port);
    await peer.text("a");
    return await peer.nextText();
  };
  expect(await undisturbed(scene, BOUNDS, attack)).toBe("a");
});

it("fails when an echo was late each time", async () => {
  let attempts = 0;
  const attack = async (): Promise<void> => {
    attempts++;
    await turn();
    for (const started = performance.now(); performance.now() - started < 100;);
    await turn();
  };
  const failed = await failure(undisturbed(await listen(), { ...BOUNDS, latest: 50 }, attack));
  expect(String(failed)).toContain("echoes, in ms");
  expect(attempts).toBe(3);
});

it("does not fail when one was late once", async () => {
  const stalls = [100, 0];
  const attack = async (): Promise<void> => {
    await turn();
    const stall = stalls.shift() ?? 0;
    for (const started = performance.now(); performance.now() - started < stall;);
    await turn();
  };
  await undisturbed(await listen(), { ...BOUNDS, latest: 80 }, attack);
  expect(stalls).toEqual([]);
});

it("fails when memory was claimed, touched or not", async () => {
  const scene = await listen();
  const attack = async (): Promise<number> => {
    const { buffer } = new Uint8Array(100_000_000);
    const peer = await upgraded(scene.port);
    for (let i = 0; i < 20; i++) {
      await peer.text("a");
      await peer.nextText();
    }
    return buffer.byteLength;
  };
  const failed = await failure(undisturbed(scene, { ...BOUNDS, attempts: 1 }, attack));
  expect(String(failed)).toContain("bytes of memory more");
});

it("fails with what an attack fails with, and when the server is gone", async () => {
  const scene = await listen();
  expect(await failure(undisturbed(scene, BOUNDS, () => Promise.reject(new Error("ours"))))).toMatchObject({
    message: "ours",
  });
  const stop = (): Promise<void> => scene.immediateStop();
  expect(await failure(undisturbed(scene, BOUNDS, stop))).toBeInstanceOf(Error);
});
