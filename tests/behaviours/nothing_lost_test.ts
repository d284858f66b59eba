/** The row F4 of the acceptance table: whatever the sizes, pauses, frames and compression, what is sent is what arrives. */

import { expect, it } from "vitest";
import type { Client, ClientConfiguration, Message } from "../../mod.ts";
import { deviates, here } from "../support/host.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { Random } from "../support/random.ts";
import { secondsSince, SOAK, tell } from "../support/soak.ts";

const { listen, connect } = onSockets();

/** What messages are cut out of: bytes and text that are alike nowhere, and half of which compresses well. */
const random = new Random(4);
const BYTES = random.bytes(70_000);
const TEXT = Array.from(
  { length: 40_000 },
  (_, i) => i % 2_000 < 1_000 ? "aé" : String.fromCharCode(random.below(0xd800)),
).join("");

/** The messages of one direction of one connection: the same for the same seed. */
class Sequence {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  next(): Message {
    const random = this.#random;
    // Long ones are rare, or nothing else would be sent.
    const length = random.oneIn(100) ? random.below(66_000) : random.length(1_100);
    const at = random.below(4_000);
    return random.oneIn(2) ? TEXT.slice(at, at + length) : BYTES.slice(at, at + length);
  }
}

/** Somewhere between no time at all and a few turns of the event loop. */
async function pause(random: Random): Promise<void> {
  for (let turns = random.oneIn(50) ? random.below(5) : 0; turns > 0; turns--) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Holds each message against the one that was sent. The first that is another one ends it. */
class Judge {
  readonly #expected: Sequence;
  readonly #count: number;
  #seen = 0;
  readonly #verdict = deferred<string>();

  constructor(seed: number, count: number) {
    this.#expected = new Sequence(seed);
    this.#count = count;
  }

  get verdict(): Promise<string> {
    return this.#verdict.promise;
  }

  get isDone(): boolean {
    return this.#seen >= this.#count;
  }

  take(message: Message): void {
    if (!same(message, this.#expected.next())) this.#verdict.resolve(`message ${this.#seen} is another one`);
    if (++this.#seen === this.#count) this.#verdict.resolve("all of them, as they were sent");
  }
}

function same(one: Message, other: Message): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** What each connection has of its own: the frames of both sides, and what else the client wants. */
const WAYS: readonly ClientConfiguration[] = [
  {},
  { webSocketCompressionEnabled: false },
  { maxFrameSize: 1_000 },
  { maxFrameSize: 100, webSocketCompressionEnabled: false },
  { webSocketCompressionEnabled: { threshold: 0 } },
  { webSocketCompressionEnabled: { threshold: 0, clientNoContextTakeover: true, serverNoContextTakeover: true } },
  { readAhead: { messages: 4, bytes: 10_000 } },
  { maxBufferedAmount: 100_000 },
];

it(
  "F4: thousands of messages each way, of random sizes, with pauses, in frames and compressed, arrive equal",
  { timeout: SOAK.timeout },
  async () => {
    const started = performance.now();
    const count = Math.ceil(SOAK.messages / WAYS.length);
    // A socket that cannot pause needs room for all that may come while a handler is busy.
    const all = { messages: SOAK.messages, bytes: 1_000_000_000 };
    const readAhead = here({ "deno native": deviates("deno-no-pause", all) }, { messages: 16, bytes: 100_000 });
    const frames = here({
      "deno native": deviates("deno-no-frames", false),
      "bun native": deviates("bun-no-frames", false),
    }, true);
    const listener = await listen();
    const over: Promise<unknown>[] = [];
    for (const [seed, { maxFrameSize, ...way }] of WAYS.entries()) {
      const options = { ...(frames && maxFrameSize !== undefined && { maxFrameSize }) };
      const judge = new Judge(seed, count);
      const pauses = new Random(seed + 2_000);
      listener.attach(`/${seed}`, {
        readAhead,
        ...options,
        get: () => ({
          onOpen(caller) {
            const sent = send(
              new Sequence(seed + 1_000),
              new Random(seed + 3_000),
              count,
              (message) => caller.writeMessage(message),
            );
            over.push(sent);
          },
          async onMessage(_caller, message) {
            await pause(pauses);
            judge.take(message);
          },
        }),
      });

      const client = await connect(`${listener.url}/${seed}`, { ...way, ...options });
      over.push(
        judge.verdict,
        read(client, new Judge(seed + 1_000, count), new Random(seed + 5_000)),
        send(new Sequence(seed), new Random(seed + 4_000), count, (message) => client.writeMessage(message)),
      );
    }
    const words = await Promise.all(over);
    expect(new Set(words)).toEqual(new Set(["all of them, as they were sent", undefined]));
    tell(`${WAYS.length * count} messages each way over ${WAYS.length} connections, in ${secondsSince(started)}`);
    expect(listener.stats()).toMatchObject({ open: WAYS.length, dropped: 0, unhandled: 0, unsent: 0 });
  },
);

async function read(client: Client, judge: Judge, pauses: Random): Promise<string> {
  while (!judge.isDone) {
    judge.take(await client.readMessage());
    await pause(pauses);
  }
  return judge.verdict;
}

/** Sends a sequence, now and then without waiting for the peer's pace. */
async function send(
  sequence: Sequence,
  random: Random,
  count: number,
  write: (message: Message) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const written = write(sequence.next());
    if (!random.oneIn(4)) await written;
    await pause(random);
  }
}
