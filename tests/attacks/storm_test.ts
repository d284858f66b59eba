/** Clients that come in thousands, and at once. */

import { expect, it } from "vitest";
import { undisturbed } from "../support/bystander.ts";
import { ECHO, onSockets } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial } = onSockets();

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
  // The storm shares the process with its victim, and a loaded machine: this is to tell hundreds from thousands.
  const bounds = { latest: 2_000, grownBy: 128 * 1_048_576, attempts: 1 };
  const scene = { port: listener.port, headers: from("192.0.2.2") };
  const statuses = await undisturbed(scene, bounds, () => Promise.all(Array.from({ length: STORM }, comeIn)));
  expect(statuses.filter((status) => status === 101)).toHaveLength(PLACES);
  expect(statuses.filter((status) => status === 429)).toHaveLength(STORM - PLACES);

  // And a newcomer finds the door open.
  await connect(listener.url, { customHeaders: from("192.0.2.3") });
  await expect.poll(() => listener.stats()).toMatchObject({ open: 1 + PLACES, refused: { 429: STORM - PLACES } });
});
