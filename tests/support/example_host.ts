/**
 * What the documents call `wss://example.com`: a listener behind TLS that sends back the first message and closes with
 * 1000, or does that when none comes.
 */

import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Listener } from "../../mod.ts";
import type { Certificates } from "./certificates.ts";

export interface ExampleHost {
  /** The same program, which finds it where it is. */
  meetIn(program: string): string;
  stop(): Promise<void>;
}

/** So long a program may be silent, in seconds. */
const SILENCE = 0.5;

export async function startExampleHost({ cert, key }: Certificates): Promise<ExampleHost> {
  const server = createServer({ cert, key });
  const listener = new Listener(server);
  listener.attach("/*", {
    subProtocols: (offers) => offers[0],
    idleTimeout: SILENCE,
    get: () => ({
      async onMessage(caller, message) {
        await caller.writeMessage(message);
        void caller.close(1000);
      },
      onIdleTimeout: (caller) => void caller.close(1000),
    }),
  });
  await listener.start();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    meetIn: (program) => program.replaceAll("wss://example.com/", `wss://localhost:${port}/`),
    async stop() {
      await listener.immediateStop();
      server.close();
      server.closeAllConnections();
    },
  };
}
