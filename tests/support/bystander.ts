/**
 * Somebody else's connection while an attack runs: how late its echoes are, and how much memory the process takes
 * meanwhile, are held against numbers that the test gives.
 */

import { expect } from "vitest";
import { FramePeer } from "./frame_peer.ts";
import { RawClient, statusOf, upgradeRequest } from "./raw_client.ts";
import { type Usage, usageNow, waitedNow } from "./usage.ts";

/** Where the bystander is connected: the listener that is attacked, or another one of its process. */
export interface Scene {
  readonly port: number;
  /** Of a service that sends back what it gets; "/" when it is not given. */
  readonly path?: string;
  /** Headers of the bystander's request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the attacked process has of the machine, when that is not this process. */
  readonly usage?: () => Promise<Usage>;
}

/** What nobody else may notice. */
export interface Bounds {
  /**
   * The latest that an echo may be, in milliseconds, but for the time that this process and the attacked one waited for a
   * processor: other programs had it then, such as other tests.
   */
  readonly latest: number;
  /** The most that resident memory may grow by, and buffers too, in bytes, seen at any time meanwhile. */
  readonly grownBy: number;
  /**
   * How often the attack may be made, from its beginning, until it keeps within the bounds; an attack that fails fails at
   * once. 3 when it is not given: what is measured is the machine too, and not an attack that works each time.
   */
  readonly attempts?: number;
}

/** What was seen while an attack ran. */
interface Seen {
  latest: number;
  grownBy: number;
  echoes: number;
}

/** Between an echo and the next, in milliseconds. */
const PACE = 5;
/** How long after an attack an echo may still come, in milliseconds, before the server counts as one that does not serve. */
const PATIENCE = 5_000;

/**
 * Makes the attack while a bystander's echoes and the memory are measured again and again, the attack's own work in this
 * process included. Resolves with what the attack did, once the bounds were kept and the server has taken a newcomer.
 */
export async function undisturbed<Result>(
  scene: Scene,
  { latest, grownBy, attempts = 3 }: Bounds,
  attack: () => Promise<Result>,
): Promise<Result> {
  for (let left = attempts - 1;; left--) {
    const [result, seen] = await watched(scene, attack);
    const isKept = seen.latest <= latest && seen.grownBy <= grownBy;
    if (isKept || left === 0) {
      expect(seen.latest, `the latest of ${seen.echoes} echoes, in ms`).toBeLessThanOrEqual(latest);
      expect(seen.grownBy, "bytes of memory more").toBeLessThanOrEqual(grownBy);
      return result;
    }
  }
}

async function watched<Result>(scene: Scene, attack: () => Promise<Result>): Promise<[Result, Seen]> {
  const bystander = await comeIn(scene);
  try {
    // The first echo warms up what answers.
    await echo(bystander, "here");
    const usage = scene.usage ?? usageNow;
    const before = await usage();
    let last = before;
    const seen: Seen = { latest: 0, grownBy: 0, echoes: 0 };
    const look = async (): Promise<void> => {
      const asked = performance.now() - waitedNow();
      await echo(bystander, `${seen.echoes++}`);
      const late = performance.now() - waitedNow() - asked;
      const now = await usage();
      const waited = scene.usage === undefined ? 0 : now.waited - last.waited;
      seen.latest = Math.max(seen.latest, late - waited);
      seen.grownBy = Math.max(seen.grownBy, now.resident - before.resident, now.claimed - before.claimed);
      last = now;
    };

    let isOver = false;
    const looking = (async () => {
      while (!isOver) {
        await look();
        // It is there to measure, not to be the load.
        await new Promise((resolve) => setTimeout(resolve, PACE));
      }
    })();
    // It is waited for below, and may fail before.
    looking.catch(() => {});
    const result = await attack().finally(() => isOver = true);
    const timer = setTimeout(() => bystander.socket.destroy(), PATIENCE);
    try {
      await looking;
      await look();
      const newcomer = await comeIn(scene);
      await echo(newcomer, "new").finally(() => newcomer.socket.destroy());
    } finally {
      clearTimeout(timer);
    }
    return [result, seen];
  } finally {
    bystander.socket.destroy();
  }
}

async function comeIn({ port, path = "/", headers = {} }: Scene): Promise<FramePeer> {
  const raw = await RawClient.connect(port);
  await raw.write(upgradeRequest(path, headers));
  const head = await raw.head();
  if (statusOf(head) !== 101) throw new Error(`The bystander was not let in: ${head}`);
  return new FramePeer(raw, "client");
}

async function echo(peer: FramePeer, text: string): Promise<void> {
  await peer.text(text);
  expect(await peer.nextText()).toBe(text);
}
