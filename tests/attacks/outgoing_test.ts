/** What goes out, when those who write it err, or change it too early. */

import { expect, it } from "vitest";
import { fromHex } from "../support/hex.ts";
import { onSockets } from "../support/on_sockets.ts";

const { listen, upgraded, clientAndServer } = onSockets();

it("attack 25: a lone surrogate is U+FFFD on the wire", async () => {
  const { port } = await listen({ onTextMessage: (caller) => (void caller.writeTextMessage("a\ud800b"), "\udfff") });
  const peer = await upgraded(port);
  await peer.text("go");
  expect([(await peer.next()).payload, (await peer.next()).payload]).toEqual([
    fromHex("61 ef bf bd 62"),
    fromHex("ef bf bd"),
  ]);
  const theirs = await clientAndServer();
  await theirs.client.writeTextMessage("a\ud800b");
  expect((await theirs.peer.next()).payload).toEqual(fromHex("61 ef bf bd 62"));
});

it("attack 43: a reason that is no string is refused, and no frame carries what nobody wrote", async () => {
  const { client, peer } = await clientAndServer();
  expect(() => client.close(1000, new Uint8Array(100) as unknown as string)).toThrow(TypeError);
  expect(() => client.close(1000, 64 as unknown as string)).toThrow(TypeError);
  expect(() => client.writeBinaryMessage(64 as unknown as Uint8Array)).toThrow(TypeError);
  expect(() => client.ping(64 as unknown as Uint8Array)).toThrow(TypeError);
  await client.writeBinaryMessage(new Uint8Array(100_000));
  expect((await peer.next()).payload.every((byte) => byte === 0)).toBe(true);
  void client.close(1000);
  expect((await peer.next()).payload).toEqual(fromHex("03 e8"));
});

it.each([10, 200, 70_000])("attack 45: %d bytes stay as they are, and are sent as they were", async (size) => {
  /** What all bytes are, and how many there are: holding arrays of so many against each other takes a second. */
  const allOf = (bytes: Uint8Array): number[] => [...new Set(bytes), bytes.length];
  const { client, peer } = await clientAndServer();
  const whole = new Uint8Array(size + 20).fill(0xee);
  const view = whole.subarray(10, 10 + size).fill(0x11);
  void client.writeBinaryMessage(view);
  expect(allOf(view)).toEqual([0x11, size]);
  view.fill(0x22);
  void client.writeMessage(view);
  view.fill(0x33);
  const [one, two] = [await peer.next(), await peer.next()];
  expect([allOf(one.payload), allOf(two.payload)]).toEqual([[0x11, size], [0x22, size]]);
  expect(allOf(view)).toEqual([0x33, size]);
  expect([whole[9], whole[10 + size]]).toEqual([0xee, 0xee]);

  const { port } = await listen({
    onTextMessage: (caller) => {
      void caller.writeBinaryMessage(view);
      view.fill(0x44);
    },
  });
  const other = await upgraded(port);
  await other.text("go");
  expect(allOf((await other.next()).payload)).toEqual([0x33, size]);
});

it("attack 45: a message that was delivered is nobody's but the handler's", async () => {
  const kept: Uint8Array[] = [];
  const { port } = await listen({ onBinaryMessage: (_caller, data) => void kept.push(data) });
  const peer = await upgraded(port);
  for (let i = 0; i < 20; i++) await peer.send({ opcode: 2, payload: Uint8Array.of(i, i) });
  await peer.send({ opcode: 9 });
  await peer.next();
  expect(kept.map((data) => [...data])).toEqual(Array.from({ length: 20 }, (_, i) => [i, i]));
  expect(kept.every(({ buffer }) => buffer.byteLength === 2)).toBe(true);
});
