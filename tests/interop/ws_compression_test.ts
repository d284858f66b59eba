/** Compression beside ws, with every set of parameters: thousands of random messages, there and back. */

import { expect, it, onTestFinished } from "vitest";
import type { CompressionOptions, Message } from "../../mod.ts";
import { bytesOf } from "../support/frames.ts";
import { sameBytes } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { PeerProcess } from "./support/peer_process.ts";
import { connect, listen, ofClient, type Ours, Reception } from "./support/ours.ts";

const MESSAGES = 50;
const WINDOWS = [9, 10, 12, 15];
const FLAGS = [false, true];

/** Both windows, and both flags, in every combination that tells something: 32. */
const SETS: CompressionOptions[] = WINDOWS.flatMap((serverMaxWindowBits) =>
  FLAGS.flatMap((serverNoContextTakeover) =>
    FLAGS.flatMap((clientNoContextTakeover) =>
      [9, 13].map((clientMaxWindowBits) => ({
        serverMaxWindowBits,
        clientMaxWindowBits,
        serverNoContextTakeover,
        clientNoContextTakeover,
        threshold: 0,
        level: (serverMaxWindowBits + clientMaxWindowBits) % 10,
      }))
    )
  )
);

/** Prose, JSON, noise and nothing, which partly repeat what came before. */
function messages(random: Random): Message[] {
  const said: string[] = [""];
  return Array.from({ length: MESSAGES }, () => {
    const text = random.text(random.below(60)).repeat(random.below(40)) + random.pick(said);
    if (text.length < 5_000) said.push(text);
    return random.pick([
      text,
      bytesOf(text),
      JSON.stringify({ text, n: random.below(1e6) }),
      random.bytes(random.below(900)),
    ]);
  });
}

async function echoes(ours: Ours, random: Random): Promise<void> {
  const sent = messages(random);
  const sending = (async () => {
    for (const message of sent) await ours.send(message);
  })();
  for (const [i, message] of sent.entries()) {
    const back = await ours.read();
    const same = typeof back === typeof message && sameBytes(bytesOf(back), bytesOf(message));
    if (!same) expect(back, `message ${i}`).toEqual(message);
  }
  await sending;
}

function peer(...args: string[]): PeerProcess {
  const started = new PeerProcess("ws.ts", ...args);
  onTestFinished(() => started.stop());
  return started;
}

it("ws: our client and its server, with every set of parameters", async () => {
  const random = new Random(21);
  // The third answers with more than we offer, where that is less.
  const ones: { clientMaxWindowBits?: number }[] = [
    {},
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { serverMaxWindowBits: 10 } as object,
    { clientMaxWindowBits: 11 },
  ];
  for (const its of ones) {
    const url = `ws://127.0.0.1:${await peer("deflating-server", JSON.stringify({ ...its, threshold: 0 })).port()}/`;
    for (const options of SETS) {
      // It fails the whole handshake where a client would use less than this.
      if ((its.clientMaxWindowBits ?? 0) > options.clientMaxWindowBits!) continue;
      const client = await connect(url, { webSocketCompressionEnabled: options });
      expect(client.getHttpResponse()!.headers.get("sec-websocket-extensions")).toContain("permessage-deflate");
      await echoes(ofClient(client), random);
      client.terminate();
    }
  }
}, 30_000);

it("ws: its client and our listener, with every set of parameters", async () => {
  const random = new Random(22);
  const its = peer("client");
  const ones: object[] = [{ clientMaxWindowBits: true }, { serverNoContextTakeover: true, clientMaxWindowBits: 10 }, {
    clientNoContextTakeover: true,
    serverMaxWindowBits: 11,
  }];
  for (const options of SETS) {
    const reception = new Reception();
    const listener = await listen(reception.service, { webSocketCompressionEnabled: options });
    const deflate = random.pick(ones);
    its.tell(`${listener.url} ${JSON.stringify({ ...deflate, threshold: 0 })}`);
    expect((await its.nextConnection()).extensions).toContain("permessage-deflate");
    await echoes(await reception.ours, random);
    await listener.immediateStop();
  }
}, 30_000);
