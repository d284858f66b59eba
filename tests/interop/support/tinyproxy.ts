/** tinyproxy, which lets those who know its password connect to ports of this machine. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { commandPath } from "../../../scripts/system_packages.ts";
import { startDaemon } from "./daemon.ts";
import { freePorts } from "./free_ports.ts";

/** Where its own connections come from: not where its clients are. Linux has all of 127.0.0.0/8. */
export const TINYPROXY_ADDRESS = "127.0.0.2";

/** How often another process may take our port before it does. */
const TRIES = 3;

export interface Tinyproxy {
  /** With the user name and the password that it wants. */
  readonly url: string;
  /** Without. */
  readonly bareUrl: string;
}

/** Starts it until the test is over; CONNECT leads to `ports` only. */
export async function tinyproxy(ports: readonly number[]): Promise<Tinyproxy> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-tinyproxy-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "tinyproxy.conf");
  for (let tries = 1;; tries++) {
    const [port] = await freePorts();
    await writeFile(file, configuration(port, ports));
    try {
      const daemon = await startDaemon(commandPath("tinyproxy")!, ["-d", "-c", file], /Accepting connections/);
      onTestFinished(() => daemon.stop());
    } catch (error) {
      if (tries < TRIES && String(error).includes("Could not create listening sockets")) continue;
      throw error;
    }
    return { url: `http://ada:s3cret@127.0.0.1:${port}`, bareUrl: `http://127.0.0.1:${port}` };
  }
}

function configuration(port: number, ports: readonly number[]): string {
  return `
Port ${port}
Listen 127.0.0.1
Bind ${TINYPROXY_ADDRESS}
Allow 127.0.0.1
BasicAuth ada s3cret
${ports.map((each) => `ConnectPort ${each}`).join("\n")}
Timeout 60
MaxClients 20
LogLevel Info
`;
}
