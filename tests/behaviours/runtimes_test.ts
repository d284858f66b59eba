/** The row R1 of the acceptance table: the same suite on every host, and each run on the one that it is called after. */

import { expect, it, vi } from "vitest";
import { HOST, IS_NATIVE } from "../support/host.ts";
import { onSockets } from "../support/on_sockets.ts";

const { listen, connect } = onSockets();

/** The runtime's own object with a server in it, if there is one. */
const { Deno, Bun } = globalThis as { Deno?: Server; Bun?: Server };
interface Server {
  serve(options: { readonly websocket?: { readonly sendPings?: boolean } }): unknown;
}

it("R1: this run is about the host that was asked for", async () => {
  const runtime = process.env["HAWSER_RUNTIME"] ?? "node";
  const native = process.env["HAWSER_HOST"] === "native";
  expect(HOST).toBe(`${runtime} ${native ? "native" : "engine"}`);

  const own = Deno ?? Bun;
  const serve = own && vi.spyOn(own, "serve");
  try {
    const client = await connect((await listen()).url);
    await client.writeTextMessage("hi");
    expect(await client.readTextMessage()).toBe("hi");
    // Bun's node:http is made of `Bun.serve` too, with sockets that are not ours.
    const ours = serve?.mock.calls.filter(([{ websocket }]) => Bun === undefined || websocket?.sendPings === false);
    expect(ours?.length ?? 0).toBe(IS_NATIVE ? 1 : 0);
  } finally {
    serve?.mockRestore();
  }
});
