/**
 * Two connections over a network that cuts, delays and fills up as a seed says, with users that send, pause, resume and
 * ping as they like: what must hold of the socket whoever uses it.
 */

import { Connection } from "../../src/connection/connection.ts";
import type { Role } from "../../src/protocol/engine.ts";
import type { ByteSink, ByteTransport } from "../../src/transport/byte_transport.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { DEFAULT_LIMITS } from "../../src/transport/upgrade.ts";
import { fixedRandom } from "../support/frames.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Random } from "../support/random.ts";
import { deflateOf } from "../support/recorder.ts";
import { SinkWords } from "../support/sink_words.ts";
import { type Property, type Sample, sampleOf } from "./property.ts";

/** One direction of the network, and the transport of whoever writes to it. */
class Wire implements ByteTransport {
  readonly #room: number;
  /** So much the system below takes at once, and reads it before `write` returns. */
  readonly #system: number;
  #withSystem = 0;
  readonly #chunks: Uint8Array[] = [];
  sink: ByteSink | undefined;
  bufferedAmount = 0;
  paused = false;
  ending = false;
  endTold = false;
  destroyed = false;
  owesDrained = false;

  constructor(room: number, system: number) {
    this.#room = room;
    this.#system = system;
  }
  start(sink: ByteSink): void {
    this.sink = sink;
  }
  write(chunk: Uint8Array): boolean {
    if (this.ending || this.owesDrained) throw new Error("It wrote when it may not");
    this.#chunks.push(chunk.slice());
    if (this.bufferedAmount === 0 && this.#withSystem + chunk.length <= this.#system) {
      this.#withSystem += chunk.length;
      return true;
    }
    this.bufferedAmount += chunk.length;
    this.owesDrained = this.bufferedAmount > this.#room;
    // It is ours from now on.
    chunk.fill(0xee);
    return !this.owesDrained;
  }
  end(): void {
    if (this.ending) throw new Error("It ended twice");
    this.ending = true;
  }
  destroy(): void {
    this.destroyed = true;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }

  /** Carries up to `most` bytes to `peer`. False: there was nothing to do. */
  carry(peer: Wire, most: number): boolean {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined && !peer.paused) {
      if (chunk.length > most) this.#chunks.unshift(chunk.subarray(most));
      const piece = chunk.slice(0, most);
      const taken = Math.min(piece.length, this.#withSystem);
      this.#withSystem -= taken;
      this.bufferedAmount -= piece.length - taken;
      peer.sink!.bytes(piece);
      return true;
    }
    if (chunk !== undefined) this.#chunks.unshift(chunk);
    if (chunk === undefined && this.owesDrained) {
      this.owesDrained = false;
      this.sink!.drained();
      return true;
    }
    if (chunk === undefined && this.ending && !this.endTold) {
      this.endTold = true;
      peer.sink!.ended();
      return true;
    }
    return false;
  }
}

export const CONNECTION_PROPERTIES: readonly Property[] = [
  {
    name: "two connections hear what was said, in order, over any network, and close cleanly",
    kind: "network",
    make: (random) => sampleOf(random, () => connectionSteps(random)),
    check: checkConnections,
  },
];

function connectionSteps(random: Random): string[] {
  const actions = [
    "send",
    "send",
    "send",
    "burst",
    "large",
    "ping",
    "pause",
    "resume",
    "carry",
    "carry",
    "turn",
    "endTurn",
  ];
  return Array.from(
    { length: 5 + random.below(80) },
    () => `${random.pick(["client", "server"])} ${random.pick(actions)}`,
  );
}

/** Plays the steps, closes from one side, and lets everything come to its end. */
function checkConnections(tried: Sample): string | undefined {
  const random = new Random(tried.seed);
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const room = random.pick([0, 100, 5_000, 100_000]);
  const system = random.pick([0, 0, 500, 80_000]);
  const compressed = random.oneIn(2);
  const direction = () => ({ windowBits: random.pick([9, 12, 15]), takeover: random.oneIn(2) });
  const [fromClient, fromServer] = [direction(), direction()];
  const threshold = random.pick([10, 1_024]);
  const make = (role: Role) => {
    const wire = new Wire(room, system);
    const sink = new SinkWords();
    const limits = { ...DEFAULT_LIMITS, messageMs: Infinity };
    const [outgoing, incoming] = role === "client" ? [fromClient, fromServer] : [fromServer, fromClient];
    const deflate = compressed ? deflateOf({ outgoing, incoming, threshold, level: 1 }) : undefined;
    const options = { role, protocol: "", limits, clock, deadlines, fillRandom: fixedRandom, deflate };
    const connection = new Connection(wire, options);
    connection.start(sink);
    return { wire, sink, connection, said: [] as string[], owed: false, wrong: undefined as string | undefined };
  };
  const sides = { client: make("client"), server: make("server") };
  const other = (who: Role): Role => who === "client" ? "server" : "client";
  let calm = false;
  for (const side of Object.values(sides)) {
    side.sink.onWord = (word) => {
      if (word === "drained" && !side.owed) side.wrong = "`drained` was not owed";
      if (word === "drained") side.owed = false;
      if (!calm && random.oneIn(30)) side.connection.pause();
      if (word.startsWith("text") && random.oneIn(3)) send(side, `re ${side.said.length}`);
    };
  }
  const send = (side: typeof sides.client, text: string): void => {
    side.said.push(text);
    if (!side.connection.send(text)) side.owed = true;
  };

  for (const step of tried.steps) {
    const who = step.slice(0, 6) as Role;
    const side = sides[who];
    const { connection, wire, said } = side;
    switch (step.slice(7)) {
      case "send":
        send(side, `${said.length} ${random.text(random.below(20))}`);
        break;
      case "burst":
        for (let left = random.below(1_500); left > 0 && !side.owed; left--) send(side, `${said.length}`);
        break;
      case "large":
        send(side, "x".repeat(random.below(200_000)));
        break;
      case "ping":
        connection.ping(random.bytes(random.below(20)));
        break;
      case "pause":
        connection.pause();
        break;
      case "resume":
        connection.resume();
        break;
      case "carry":
        wire.carry(sides[other(who)].wire, 1 + random.below(random.pick([3, 1_000, 100_000])));
        break;
      case "turn":
        clock.runTurn();
        break;
      case "endTurn":
        clock.endTurn();
        break;
    }
  }

  calm = true;
  sides[tried.role].connection.close(4000, "bye");
  for (let still = 0; still < 3; still++) {
    for (const who of ["client", "server"] as const) {
      sides[who].connection.resume();
      clock.runTurns();
      while (sides[who].wire.carry(sides[other(who)].wire, 100_000)) still = 0;
      clock.runTurns();
    }
  }
  for (const who of ["client", "server"] as const) {
    const { wire, connection, owed, wrong, said } = sides[who];
    const peer = sides[other(who)];
    if (wrong !== undefined) return `${who}: ${wrong}`;
    if (owed && connection.bufferedAmount === 0 && !wire.endTold) return `${who}: \`drained\` never came`;
    if (wire.destroyed) return `${who}: it was cut`;
    if (!wire.endTold) return `${who}: it did not end its direction`;
    if (connection.bufferedAmount !== 0) return `${who}: ${connection.bufferedAmount} bytes are left`;
    // What is said after a close frame went out is dropped, and only that.
    const heard = peer.sink.messages;
    const lost = said.findIndex((text, i) => heard[i] !== text);
    if (lost !== -1 && lost < heard.length) return `${who}: message ${lost} differs`;
    const dropped = lost === -1 ? [] : said.slice(lost);
    if (!dropped.every((text) => text.startsWith("re "))) return `${who}: message ${lost} of ${said.length} was lost`;
  }
  for (const who of ["client", "server"] as const) {
    const { sink, wire } = sides[who];
    wire.sink!.closed();
    const { closure, words } = sink;
    if (closure?.clean !== true || closure.code !== 4000) return `${who}: closed with ${JSON.stringify(closure)}`;
    if (closure.first !== (who === tried.role ? "local" : "remote")) return `${who}: the first was ${closure.first}`;
    if (words.filter((word) => word.startsWith("closed")).length !== 1) return `${who}: closed more than once`;
  }
  return clock.timers === 0 ? undefined : "a timer is left";
}
