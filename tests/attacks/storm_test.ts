/** Clients that come in thousands, and at once. */

import { expect, it } from "vitest";
import { ECHO, onSockets } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial } = onSockets();

it("attack 36: a reconnect storm of one address takes its places only, and others are answered meanwhile", async () => {
  const STORM = 500;
  const PLACES = 20;
  const config = { maxConnectionsPerAddress: PLACES, trustedProxies: ["127.0.0.1"] };
  const listener = await listen(ECHO, {}, config);
  const from = (address: string): Record<string, string> => ({ "X-Forwarded-For": address });
  const bystander = await connect(listener.url, { customHeaders: from("192.0.2.2") });

  const comeIn = async (): Promise<number> => {
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest("/", from("192.0.2.1")));
    return statusOf(await raw.head());
  };
  let isOver = false;
  const storm = Promise.all(Array.from({ length: STORM }, comeIn)).finally(() => isOver = true);
  let slowest = 0;
  for (let i = 0; !isOver; i++) {
    const began = performance.now();
    await bystander.writeTextMessage(`${i}`);
    expect(await bystander.readTextMessage()).toBe(`${i}`);
    slowest = Math.max(slowest, performance.now() - began);
  }
  const statuses = await storm;
  expect(statuses.filter((status) => status === 101)).toHaveLength(PLACES);
  expect(statuses.filter((status) => status === 429)).toHaveLength(STORM - PLACES);
  // The storm shares the process with its victim, and a loaded machine: this is to tell hundreds from thousands.
  expect(slowest).toBeLessThan(2_000);

  // And a newcomer finds the door open.
  await connect(listener.url, { customHeaders: from("192.0.2.3") });
  expect(listener.stats()).toMatchObject({ open: 2 + PLACES, refused: { 429: STORM - PLACES } });
});
