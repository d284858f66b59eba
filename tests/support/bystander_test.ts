import { expect, it } from "vitest";
import { undisturbed } from "./bystander.ts";
import { failure, onSockets } from "./on_sockets.ts";
import { type Usage, waitedNow } from "./usage.ts";

const { listen, upgraded } = onSockets();

const BOUNDS = { latest: 500, grownBy: 67_108_864 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Takes the processor for so long, others' turns not counted. */
const stall = (ms: number): void => {
  const end = performance.now() - waitedNow() + ms;
  while (performance.now() - waitedNow() < end);
};

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
    stall(100);
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
    stall(stalls.shift() ?? 0);
    await turn();
  };
  await undisturbed(await listen(), { ...BOUNDS, latest: 80 }, attack);
  expect(stalls).toEqual([]);
});

it("does not fail when one was late because others had the processor", async () => {
  const { port } = await listen();
  const usage = (): Promise<Usage> => Promise.resolve({ resident: 0, claimed: 0, waited: performance.now() });
  const attack = async (): Promise<void> => {
    await turn();
    stall(100);
    await turn();
  };
  await undisturbed({ port, usage }, { ...BOUNDS, latest: 50, attempts: 1 }, attack);
});

it("fails when memory was claimed, touched or not", async () => {
  const scene = await listen();
  const attack = async (): Promise<number> => {
    const { buffer } = new Uint8Array(400_000_000);
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
