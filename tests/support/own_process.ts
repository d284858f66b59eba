/** Victims in a process of its own, started once for a test file: what they take of memory and time is theirs alone. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { ROOT } from "../../scripts/command.ts";
import type { ClientConfiguration, ListenerConfiguration, UpgradeServiceOptions } from "../../mod.ts";
import type { Heard, Order } from "./attacked_server.ts";
import type { Scene } from "./bystander.ts";
import { compiled } from "./compiled.ts";
import { FramePeer } from "./frame_peer.ts";
import { type RunningServer, startServer } from "./program.ts";
import { RawClient, upgradeRequest } from "./raw_client.ts";
import type { Usage } from "./usage.ts";

export interface OwnProcess {
  /** A listener with an echo at "/". Options are those that JSON can carry. Its `Scene` tells the usage of the process. */
  listen(options?: UpgradeServiceOptions, config?: ListenerConfiguration): Promise<Scene>;
  /** Has a client connect. Resolves with its number, once it is connected. */
  connect(url: string, config?: ClientConfiguration): Promise<number>;
  /** Resolves when a connection of the listener at this port, or the client of this number, has ended. */
  ended(victim: number): Promise<Heard>;
}

/** The longest that the process may take to start, in milliseconds: a loaded machine compiles slowly. */
const START = 45_000;

/** To be called once at the top of a test file. The process starts before its tests, whose time this is not. */
export function ownProcess(): OwnProcess {
  let server: RunningServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hawser-attacked-"));
    const [program = ""] = await compiled([join(ROOT, "tests/support/attacked_server.ts")], folder);
    server = await startServer(program);
  }, START);
  const talk = async (): Promise<FramePeer> => {
    const raw = await RawClient.connect(Number(server.url.port));
    await raw.write(upgradeRequest());
    await raw.head();
    return new FramePeer(raw, "client");
  };
  const ask = async <Answer>(peer: FramePeer, what: Order): Promise<Answer> => {
    await peer.text(JSON.stringify(what));
    return JSON.parse(await peer.nextText()) as Answer;
  };
  /** An order has a connection of its own: its answer may take long. */
  const order = async <Answer>(what: Order): Promise<Answer> => {
    const peer = await talk();
    return await ask<Answer>(peer, what).finally(() => peer.socket.destroy());
  };
  /** But for the usage, which is asked for again and again. */
  let asking: Promise<FramePeer> | undefined;
  const usage = async (): Promise<Usage> => await ask(await (asking ??= talk()), { usage: true });
  afterAll(async () => {
    (await asking)?.socket.destroy();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  return {
    listen: async (options = {}, config = {}) => {
      const port = await order<number>({ listen: { options, config } });
      return { port, usage };
    },
    connect: (url, config = {}) => order<number>({ connect: { url, config } }),
    ended: (victim) => order<Heard>({ ended: victim }),
  };
}
