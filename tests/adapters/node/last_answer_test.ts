import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { endWith } from "../../../src/adapters/node/last_answer.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { client, whenOver } from "../../support/node_host.ts";
import type { RawClient } from "../../support/raw_client.ts";

const BYE = new TextEncoder().encode("bye");

async function pair(): Promise<{ peer: RawClient; socket: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  whenOver(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const peer = await client((server.address() as AddressInfo).port);
  const socket = await accepted;
  whenOver(() => socket.destroy());
  return { peer, socket };
}

it("the answer arrives whole although the peer goes on writing, and only the first counts", async () => {
  const { peer, socket } = await pair();
  await peer.write("x".repeat(200_000));
  endWith(socket, BYE, new ManualClock());
  endWith(socket, BYE, new ManualClock());
  await peer.write("x".repeat(200_000));
  expect([await peer.rest(), peer.error]).toEqual(["bye", undefined]);
});

it("a peer that stays is cut, one that leaves is not waited for", async () => {
  const stays = await pair();
  const clock = new ManualClock();
  endWith(stays.socket, BYE, clock);
  await stays.peer.rest();
  expect(stays.socket.destroyed).toBe(false);
  clock.advance(2_000);
  expect(stays.socket.destroyed).toBe(true);

  const leaves = await pair();
  endWith(leaves.socket, BYE, clock);
  await leaves.peer.write("x".repeat(200_000));
  leaves.peer.socket.end();
  await new Promise((resolve) => leaves.socket.once("close", resolve));
  expect(clock.timers).toBe(0);
});

it("a socket that is gone already is left alone", async () => {
  const { socket } = await pair();
  const clock = new ManualClock();
  socket.destroy();
  endWith(socket, BYE, clock);
  expect(clock.timers).toBe(0);
});
