/**
 * What the documents call `wss://example.com` and `proxy.example.com:3128`: a listener behind TLS that sends back the first
 * message and closes with 1000, or does that when none comes, and a proxy that wants the credentials which stand there.
 */

import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Listener } from "../../mod.ts";
import type { Certificates } from "./certificates.ts";
import { connectProxy } from "./connect_proxy.ts";

export interface ExampleHost {
  /** The same program, which finds them where they are. */
  meetIn(program: string): string;
  stop(): Promise<void>;
}

/** So long a program may be silent, in seconds. */
const SILENCE = 0.5;

export async function startExampleHost({ cert, key }: Certificates): Promise<ExampleHost> {
  const ends: (() => unknown)[] = [];
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
  const proxy = await connectProxy((end) => ends.push(end), { credentials: "ada:s3cret" });
  return {
    meetIn: (program) =>
      program.replaceAll("wss://example.com/", `wss://localhost:${port}/`)
        .replaceAll("proxy.example.com:3128", `127.0.0.1:${proxy.port}`),
    async stop() {
      await listener.immediateStop();
      server.close();
      server.closeAllConnections();
      for (const end of ends) await end();
    },
  };
}
