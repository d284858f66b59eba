/** For daemons that cannot be told to take any port. */

import { type AddressInfo, createServer } from "node:net";

/** Two ports that are free now. */
export async function freePorts(): Promise<[number, number]> {
  const [first, second] = await manyFreePorts(2);
  return [first!, second!];
}

/** So many of them. */
export async function manyFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
