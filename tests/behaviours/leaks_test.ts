/**
 * The row H4 of the acceptance table: many connections, some that vanish, are reset or never read, and nothing is left of
 * them when they are gone. The server is a process of its own, which says what it holds.
 */

import { expect, it, onTestFinished } from "vitest";
import { crowd, type Member } from "../support/crowd.ts";
import { frame, KEY } from "../support/frames.ts";
import type { Held } from "../support/leak_server.ts";
import { ROOT } from "../../scripts/command.ts";
import { startServer } from "../support/program.ts";
import { secondsSince, SOAK, tell } from "../support/soak.ts";

/** What the heap may have more of after a round, for each connection: a leak of one would be of a kilobyte and more. */
const BYTES_A_CONNECTION = 400;
/** And the little that comes and goes by itself. */
const NOISE = 150_000;
/** What the resident memory may come to more, of which allocators keep some and give it back as they like. */
const RESIDENT = 67_108_864;
/** The longest that the server may take to say what it holds, in milliseconds; then it is asked again. */
const ANSWER_MS = 10_000;
/** What has grown is looked at again, behind another round. */
const MOST_ROUNDS = 6;
/** A runtime learns in its own time that a deaf peer has hung up: how often it is asked until its files are back. */
const MOST_ANSWERS = 15;
/** And how often to learn how many they are at the least. */
const SOME_ANSWERS = 10;

it(
  "H4: of hundreds of connections, silent, reset and deaf ones among them, nothing is left when they are gone",
  { timeout: SOAK.timeout },
  async () => {
    const started = performance.now();
    const env = { DENO_V8_FLAGS: "--expose-gc" };
    const server = await startServer(`${ROOT}tests/support/leak_server.ts`, env);
    onTestFinished(() => server.stop());
    const port = Number(server.url.port);
    const heldNow = async (): Promise<Held> => {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" }, signal });
      return await answer.json() as Held;
    };
    /** What is held with the fewest files of so many answers: the first that has no more than `files` is good enough. */
    const heldAtRest = async (files: number, answers: number): Promise<Held> => {
      let held = await heldNow();
      for (let i = 1; i < answers && held.files > files; i++) {
        const again = await heldNow();
        if (again.files <= held.files) held = again;
      }
      return held;
    };

    // The first rounds fill what the runtime keeps for good: compiled code, pools, the allocator's own memory.
    for (let i = 0; i < 2; i++) await round(port, heldNow);
    let [before, after, rounds] = [await heldNow(), await heldAtRest(0, SOME_ANSWERS), 2];
    const most = NOISE + SOAK.connections * BYTES_A_CONNECTION;
    const hasGrown = (): boolean =>
      after.heap - before.heap >= most || after.rss - before.rss >= RESIDENT || after.files > before.files;
    // What a runtime does in between comes once; a leak comes every time.
    do {
      before = after;
      await round(port, heldNow);
      after = await heldAtRest(before.files, MOST_ANSWERS);
      rounds++;
    } while (hasGrown() && rounds < MOST_ROUNDS);

    tell(
      `${after.opened} connections in ${rounds} rounds came and went, in ${secondsSince(started)}`,
      ...(["heap", "rss", "files"] as const).map((name) => `${name}: ${before[name]} before, ${after[name]} after`),
    );
    expect(after).toMatchObject({ open: 0, opened: rounds * SOAK.connections, closed: rounds * SOAK.connections });
    expect(after.heap - before.heap, `${before.heap} bytes of heap became ${after.heap}`).toBeLessThan(most);
    expect(after.rss - before.rss, `${before.rss} resident bytes became ${after.rss}`).toBeLessThan(RESIDENT);
    expect(after.files).toBeLessThanOrEqual(before.files);
  },
);

/** Everybody comes; each goes in his way; and the server has noticed. */
async function round(port: number, heldNow: () => Promise<Held>): Promise<void> {
  const { connections, silent, reset, deaf } = SOAK;
  const { closed } = await heldNow();
  const orderly = await crowd(port, "/", connections - silent - reset - deaf);
  const vanishing = await crowd(port, "/", silent, "never reads");
  const cut = await crowd(port, "/", reset);
  const flooded = await crowd(port, "/flood", deaf, "never reads");

  for (const member of orderly) member.text("hello");
  const half = frame({ opcode: 2, payload: new Uint8Array(10_000), key: KEY }).subarray(0, 5_000);
  for (const member of cut) member.socket.write(half, () => member.socket.resetAndDestroy());
  for (const member of orderly) leave(member);
  await expect.poll(async () => (await heldNow()).closed, { timeout: SOAK.timeout / 2, interval: 50 })
    .toBe(closed + connections);
  // They were given up on, and learn it only now.
  for (const member of [...vanishing, ...flooded]) member.socket.destroy();
}

/** Closes in an orderly way; the member hangs up when the server has. */
function leave(member: Member): void {
  member.socket.write(frame({ opcode: 8, payload: Uint8Array.of(3, 232), key: KEY }));
}
