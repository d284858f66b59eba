/** Clients that come in thousands, and at once. */

import { expect, it } from "vitest";
import { undisturbed } from "../support/bystander.ts";
import { ECHO, onSockets } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, dial } = onSockets();

/**
 * The storm shares the process with its victim, and a loaded machine: this is to tell hundreds of milliseconds from
 * thousands. It is counted at the end, and so made once.
 */
const BOUNDS = { latest: 2_000, grownBy: 268_435_456, attempts: 1 };

it("attack 36: a reconnect storm of one address takes its places only, and others are answered meanwhile", async () => {
  const STORM = 500;
  const PLACES = 20;
  const config = { maxConnectionsPerAddress: PLACES, trustedProxies: ["127.0.0.1"] };
  const listener = await listen(ECHO, {}, config);
  const from = (address: string): Record<string, string> => ({ "X-Forwarded-For": address });

  const comeIn = async (): Promise<number> => {
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest("/", from("192.0.2.1")));
    return statusOf(await raw.head());
  };
  const scene = { port: listener.port, headers: from("192.0.2.2") };
  const statuses = await undisturbed(
    scene,
    BOUNDS,
    () => Promise.all(Array.from({ length: STORM }, comeIn)),
  );
  expect(statuses.filter((status) => status === 101)).toHaveLength(PLACES);
  expect(statuses.filter((status) => status === 429)).toHaveLength(STORM - PLACES);
  // With the bystander and the newcomer behind it.
  expect(listener.stats()).toMatchObject({ opened: 2 + PLACES, refused: { 429: STORM - PLACES } });
});
