/** What must hold of every engine, whatever comes. Each property makes a sample from a seed, and tries it. */

import type { Role } from "../../src/protocol/engine.ts";
import type { DeflateDirection } from "../../src/protocol/permessage_deflate.ts";
import { joined } from "../support/frames.ts";
import { fromHex, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { Recorder, type RecorderOptions } from "../support/recorder.ts";
import { answersTo, reference, type ReferenceOptions } from "../support/reference.ts";
import { decodeAscii } from "../support/utf8.ts";
import { mutated } from "./mutated.ts";
import { difference, type Property, type Sample, sampleOf } from "./property.ts";
import { anyBytes, compressedFrames, validFrames, wireOf } from "./samples.ts";

export const LIMITS = { maxMessageSize: 300_000, maxFrameSize: undefined, maxFragments: 100 };
export const TIGHT = { maxMessageSize: 500, maxFrameSize: 300, maxFragments: 3 };

export const ENGINE_PROPERTIES: readonly Property[] = [
  {
    name: "any split of a valid transcript, with any pauses, gives what the RFC says",
    kind: "frames",
    make: (random) => sampleOf(random, (role) => validFrames(random, role)),
    check: withLimits,
  },
  {
    name: "a mutated transcript ends as the RFC says",
    kind: "frames",
    make: (random) => sampleOf(random, (role) => mutated(random, "frames", validFrames(random, role))),
    check: withLimits,
  },
  {
    name: "a transcript that meets narrow limits ends as they say",
    kind: "frames",
    make: (random) => sampleOf(random, (role) => validFrames(random, role)),
    check: withNarrowLimits,
  },
  {
    name: "any bytes end as the RFC says",
    kind: "frames",
    make: (random) => sampleOf(random, (role) => anyBytes(random, role)),
    check: (tried) => tried.seed % 2 === 0 ? withLimits(tried) : withNarrowLimits(tried),
  },
  {
    name: "compressed transcripts, valid or mutated, end in a documented way, the same whatever the split",
    kind: "frames",
    make: (random) =>
      sampleOf(random, (role) => {
        const valid = compressedFrames(random, role);
        return random.oneIn(3) ? valid : mutated(random, "frames", valid);
      }),
    check: documented,
  },
  {
    name: "engines that take turns, also in the middle of each other's, hear what each hears alone",
    kind: "frames",
    make: (random) => sampleOf(random, (role) => mutated(random, "frames", validFrames(random, role))),
    check: takeTurns,
  },
  {
    name: "two engines that talk hear what was said, in order",
    kind: "conversation",
    make: (random) => sampleOf(random, () => conversation(random)),
    check: talk,
  },
];

function withLimits(tried: Sample): string | undefined {
  return differs(tried, LIMITS);
}

function withNarrowLimits(tried: Sample): string | undefined {
  return differs(tried, TIGHT);
}

type Limits = Pick<ReferenceOptions, "maxMessageSize" | "maxFrameSize" | "maxFragments">;

/**
 * Plays the bytes in random pieces, with pauses here and there, and in the end without.
 *
 * @param inParts messages that come in parts are handed on so, within the same limit
 */
export function played(
  tried: Sample,
  limits: Limits,
  { deflate, inParts = false }: { readonly deflate?: RecorderOptions["deflate"]; readonly inParts?: boolean },
): Recorder {
  const random = new Random(tried.seed);
  const pauses = random.oneIn(2);
  const wire = wireOf(tried);
  const most = mostOfAPiece(random, wire);
  const recorder = new Recorder({
    role: tried.role,
    ...limits,
    ...(deflate && { deflate }),
    streamedSize: inParts ? limits.maxMessageSize : undefined,
    decodeAscii: random.oneIn(2) ? decodeAscii : undefined,
    onWord({ engine }) {
      if (pauses && random.oneIn(4)) engine.pause();
      if (pauses && random.oneIn(4)) engine.resume();
    },
  });
  for (let at = 0; at < wire.length;) {
    const end = at + 1 + random.below(most);
    recorder.engine.receive(wire.slice(at, end));
    at = end;
    if (pauses && random.oneIn(3)) recorder.engine.resume();
    if (random.oneIn(5)) recorder.engine.flush();
  }
  for (let words = -1; words !== recorder.words.length;) {
    words = recorder.words.length;
    recorder.engine.resume();
  }
  recorder.engine.flush();
  return recorder;
}

/** The longest piece, in bytes. What is long does not come byte by byte: that would take seconds. */
export function mostOfAPiece(random: Random, { length }: Uint8Array): number {
  return Math.max(random.pick([1, 3, 20, 200, 100_000]), length >> 10);
}

function differs(tried: Sample, limits: Limits): string | undefined {
  const inParts = tried.seed % 3 === 0;
  const recorder = played(tried, limits, { inParts });
  const heard = recorder.words.map((word) => word.startsWith("failed") ? word.split(" ", 2).join(" ") : word);
  // What is handed on at once does not pile up, and its fragments are not counted.
  const maxFragments = inParts ? Infinity : limits.maxFragments;
  const expected = reference(wireOf(tried), { role: tried.role, ...limits, maxFragments });
  const wrong = difference(heard, expected);
  if (wrong !== undefined) return wrong;

  const peer = tried.role === "server" ? "client" : "server";
  const written = reference(joined(recorder.writes), { role: peer, ...LIMITS })
    .map((word) => word.startsWith("closing") ? word.split(" ", 2).join(" ") : word);
  return difference(written, answersTo(expected)) ?? owns(recorder);
}

function documented(tried: Sample): string | undefined {
  const limits = tried.seed % 2 === 0 ? LIMITS : TIGHT;
  const inParts = tried.seed % 3 === 0;
  const streamedSize = inParts ? limits.maxMessageSize : undefined;
  const whole = new Recorder({ role: tried.role, ...limits, streamedSize, deflate: {} });
  whole.engine.receive(wireOf(tried));
  const inPieces = played(tried, limits, { deflate: {}, inParts });
  const long = whole.messages.find((message) => message.length > limits.maxMessageSize);
  if (long !== undefined) return `a message of ${long.length}`;
  const failed = whole.words.find((word) => word.startsWith("failed"))?.split(" ")[1];
  if (failed !== undefined && !["1002", "1007", "1009"].includes(failed)) return `it failed with ${failed}`;
  return difference(inPieces.words, whole.words) ?? owns(whole);
}

/** They lend each other what reads frames: what one has not ended must not reach another. */
function takeTurns(tried: Sample): string | undefined {
  const random = new Random(tried.seed);
  const limits = random.pick([LIMITS, TIGHT]);
  const streamedSize = random.oneIn(3) ? limits.maxMessageSize : undefined;
  const options: RecorderOptions = {
    role: tried.role,
    ...limits,
    streamedSize,
    ...(random.oneIn(3) && { deflate: {} }),
  };
  const wire = wireOf(tried);
  const left = [wire, wire, wire, wire].map((wire, i) =>
    i < 2 ? wire : wire.subarray(0, random.below(wire.length + 1))
  );
  const alone = left.map((wire) => {
    const recorder = new Recorder(options);
    recorder.engine.receive(wire.slice());
    return recorder.words;
  });

  const most = mostOfAPiece(random, wire);
  let depth = 0;
  const feed = (): void => {
    const unread = left.flatMap(({ length }, i) => length > 0 ? [i] : []);
    if (unread.length === 0) return;
    const i = random.pick(unread);
    const end = 1 + random.below(most);
    const piece = left[i]!.slice(0, end);
    left[i] = left[i]!.subarray(end);
    recorders[i]!.engine.receive(piece);
  };
  const onWord = (): void => {
    if (depth === 3 || !random.oneIn(4)) return;
    depth++;
    feed();
    depth--;
  };
  const recorders = left.map(() => new Recorder({ ...options, onWord }));
  while (left.some(({ length }) => length > 0)) feed();
  return recorders.map(({ words }, i) => difference(words, alone[i]!)).find((wrong) => wrong !== undefined);
}

function owns({ messages }: Recorder): string | undefined {
  const shared = messages.some((message) =>
    typeof message !== "string" && (message.byteOffset !== 0 || message.buffer.byteLength !== message.length)
  );
  return shared ? "a message shares its buffer" : undefined;
}

/** Who says what: `client text c3 a9`, `server part binary 00`, `client ping 01`. */
export function conversation(random: Random): string[] {
  return Array.from({ length: 1 + random.below(30) }, () => {
    const who = random.pick(["client", "server"]);
    const kind = random.pick(["text", "binary", "part text", "part binary", "ping", "pong"]);
    if (kind.startsWith("p") && !kind.startsWith("part")) {
      return `${who} ${kind} ${toHex(random.bytes(random.length(125)))}`;
    }
    const length = random.oneIn(40) ? random.length(70_000) : random.length(300);
    return `${who} ${kind} ${
      kind.endsWith("text") ? toHex(new TextEncoder().encode(random.text(length))) : toHex(random.bytes(length))
    }`;
  });
}

/** Both sides speak in turn; what they write travels in random pieces, and either may pause. */
function talk(tried: Sample): string | undefined {
  const random = new Random(tried.seed);
  const maxFrameSize = random.pick([undefined, 4, 100, 5_000]);
  const limits = { maxMessageSize: 300_000, maxFrameSize, maxFragments: 100_000 };
  const direction = (): DeflateDirection => ({ windowBits: random.pick([9, 12, 15]), takeover: random.oneIn(2) });
  const [fromClient, fromServer] = [direction(), direction()];
  const compression = { threshold: random.pick([0, 100, 1_024]), level: random.below(10) };
  const compressed = random.oneIn(2);
  const side = (role: Role, outgoing: DeflateDirection, incoming: DeflateDirection): Recorder =>
    new Recorder({ role, ...limits, ...(compressed && { deflate: { ...compression, outgoing, incoming } }) });
  const sides = {
    client: side("client", fromClient, fromServer),
    server: side("server", fromServer, fromClient),
  };
  const said = { client: [] as string[], server: [] as string[] };
  const onTheWay = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  const carry = (from: Role, all: boolean): void => {
    const peer = sides[from === "client" ? "server" : "client"].engine;
    sides[from].engine.flush();
    onTheWay[from].push(...sides[from].writes.splice(0));
    let bytes = joined(onTheWay[from].splice(0));
    while (bytes.length > 0 && (all || random.oneIn(2))) {
      const end = 1 + random.below(random.pick([2, 100, 70_000]));
      peer.receive(bytes.slice(0, end));
      bytes = bytes.subarray(end);
    }
    onTheWay[from].push(bytes);
  };

  for (const step of tried.steps) {
    const [who, rest] = [step.slice(0, 6) as Role, step.slice(7)];
    const kind = /^(part )?[a-z]+/.exec(rest)![0];
    const payload = fromHex(rest.slice(kind.length));
    const { engine } = sides[who];
    const message = kind.endsWith("text") ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload) : payload;
    if (kind.startsWith("part")) {
      const half = message.length >> 1;
      // A surrogate pair must not be cut.
      const at = typeof message === "string" && /[\ud800-\udbff]/.test(message[half - 1] ?? "") ? half + 1 : half;
      engine.sendPart(message.slice(0, at), false);
      if (random.oneIn(2)) engine.ping(new Uint8Array(0));
      engine.sendPart(message.slice(at), true);
    } else if (kind === "ping") engine.ping(payload);
    else if (kind === "pong") engine.pong(payload);
    else engine.send(message);
    const word = kind.replace("part ", "");
    const text = typeof message === "string" ? message : toHex(payload);
    if (word === "text" || word === "binary") said[who].push(text === "" ? word : `${word} ${text}`);
    if (random.oneIn(3)) carry(random.pick(["client", "server"]), false);
    for (const { engine } of Object.values(sides)) {
      if (random.oneIn(4)) engine.pause();
      if (random.oneIn(3)) engine.resume();
    }
  }
  sides[tried.role].engine.close(4000, "bye");
  for (let round = 0; round < 6; round++) {
    for (const who of ["client", "server"] as const) {
      sides[who].engine.resume();
      carry(who, true);
    }
  }
  for (const who of ["client", "server"] as const) {
    const peer = sides[who === "client" ? "server" : "client"];
    const heard = peer.words.filter((word) => /^(text|binary|failed)/.test(word));
    const wrong = difference(heard, said[who]) ?? owns(peer);
    if (wrong !== undefined) return `what the ${who} said: ${wrong}`;
    if (peer.engine.received?.code !== 4000) return `the ${who} did not close`;
  }
  return undefined;
}
