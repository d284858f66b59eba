/** A route that swallows everything, as a train in a tunnel does: pings notice it, and the client comes back with the route. */

import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT, runCommand } from "../../scripts/command.ts";
import { starter } from "../support/program.ts";
import { needs } from "./support/needs.ts";

const PROGRAM = join(ROOT, "tests", "interop", "support", "lost_route.ts");

it(
  "a client that reconnects survives a dropped route",
  { timeout: 30_000 },
  needs(
    "ip",
    needs("unshare", async () => {
      // A user and a network of its own: in there everybody may switch the network off.
      const { ok, output, failure } = await runCommand("unshare", ["-rn", ...starter(), PROGRAM], { timeout: 20 });
      expect(ok, `${failure}: ${output}`).toBe(true);
      const said = JSON.parse(output.trim().split("\n").at(-1)!) as { failures: string[] };
      expect(said).toMatchObject({ seen: ["hello", "hello", "here again"], uncertain: [1], code: 1000 });
      expect(said.failures).toEqual([
        "ConnectionError: The peer did not answer a ping in time",
        "HandshakeTimedOutError: Cannot connect: the handshake was not done within 1 s",
      ]);
    }),
  ),
);
