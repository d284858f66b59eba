/** Our reader beside that of `ws`: of the same bytes, however they are cut, both make the same, or it is explained why not. */

import type { DeflateDirection } from "../../src/protocol/permessage_deflate.ts";
import { joined } from "../support/frames.ts";
import { fromHex, toHex } from "../support/hex.ts";
import { Recorder } from "../support/recorder.ts";
import { Random } from "../support/random.ts";
import { comeApart, FRAME_DIFFERENCES, isExplained, type Pair } from "./differences.ts";
import { conversation, LIMITS, mostOfAPiece, played, TIGHT } from "./engine_properties.ts";
import { mutated } from "./mutated.ts";
import { difference, type Property, type Sample, sampleOf } from "./property.ts";
import { anyBytes, compressedFrames, validFrames, wireOf } from "./samples.ts";
import { WS_INFLATES, wsWords } from "./ws_reader.ts";
import { WsWriter } from "./ws_writer.ts";

const COMPRESSED: Property = {
  name: "ws makes the same of a transcript with compression",
  kind: "frames",
  make: (random) =>
    sampleOf(random, (role) => {
      const frames = compressedFrames(random, role);
      return random.oneIn(3) ? frames : mutated(random, "frames", frames);
    }),
  check: (tried) => {
    const random = new Random(tried.seed);
    return besideWs(tried, { windowBits: random.pick([9, 10, 12, 15]), takeover: !random.oneIn(3) });
  },
};

export const WS_PROPERTIES: readonly Property[] = [
  {
    name: "ws makes the same of a transcript without compression",
    kind: "frames",
    make: (random) =>
      sampleOf(random, (role) => {
        const frames = random.oneIn(4) ? anyBytes(random, role) : validFrames(random, role);
        return random.oneIn(4) ? frames : mutated(random, "frames", frames);
      }),
    check: (tried) => besideWs(tried, undefined),
  },
  {
    name: "ws hears what our engine says, and our engine what ws says, compressed or not",
    kind: "conversation",
    make: (random) => sampleOf(random, () => conversation(random)),
    check: talkWithWs,
  },
  ...WS_INFLATES ? [COMPRESSED] : [],
];

async function besideWs(tried: Sample, incoming: Pair["incoming"]): Promise<string | undefined> {
  const random = new Random(tried.seed + 1);
  // A limit on one frame is nothing that it knows.
  const limits = { ...random.pick([LIMITS, TIGHT]), maxFrameSize: undefined };
  const wire = wireOf(tried);
  const { words, violation } = played(tried, limits, incoming === undefined ? {} : { deflate: { incoming } });
  const ours = words.map((word) => word.startsWith("failed") ? word.split(" ", 2).join(" ") : word);
  const reading = { role: tried.role, ...limits, incoming };
  const theirs = await wsWords(cut(wire, random), reading);
  const wrong = difference(ours, theirs);
  if (wrong === undefined) return undefined;
  const pair: Pair = { wire, role: tried.role, limits, incoming, ours, violation, theirs };
  if (await isExplained(FRAME_DIFFERENCES, comeApart(pair))) return undefined;
  return `beside ws, ${JSON.stringify({ ...limits, incoming })}: ${wrong}${violation ? `: ${violation.message}` : ""}`;
}

function cut(wire: Uint8Array, random: Random): Uint8Array[] {
  const most = mostOfAPiece(random, wire);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < wire.length;) {
    const end = at + 1 + random.below(most);
    chunks.push(wire.slice(at, end));
    at = end;
  }
  return chunks;
}

/** What the steps of the one role say, our engine says to ws; what those of the other say, ws says to our engine. */
async function talkWithWs(tried: Sample): Promise<string | undefined> {
  const random = new Random(tried.seed);
  const direction: DeflateDirection = { windowBits: random.pick([9, 10, 12, 15]), takeover: random.oneIn(2) };
  const agreed = random.oneIn(4) || !WS_INFLATES ? undefined : direction;
  const threshold = random.pick([0, 100]);
  const ours = new Recorder({
    role: tried.role,
    ...LIMITS,
    ...(agreed && { deflate: { outgoing: agreed, incoming: agreed, threshold, level: random.below(10) } }),
  });
  const ws = new WsWriter(tried.role === "server" ? "client" : "server", agreed, threshold);
  const said = { ours: [] as string[], theirs: [] as string[] };
  for (const step of tried.steps) {
    const kind = /(text|binary)/.exec(step)?.[0];
    if (kind === undefined) continue;
    const payload = fromHex(step.slice(step.indexOf(kind) + kind.length));
    const message = kind === "text" ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload) : payload;
    const word = kind === "text" ? `text ${String(message)}` : `binary ${toHex(payload)}`;
    if (step.startsWith(tried.role)) {
      said.ours.push(word.trimEnd());
      ours.engine.send(message);
    } else {
      said.theirs.push(word.trimEnd());
      await ws.send(message);
    }
  }
  ours.engine.flush();
  const reading = { role: ws.role, ...LIMITS, incoming: agreed };
  const heard = (await wsWords(cut(joined(ours.writes), random), reading)).map((word) => word.trimEnd());
  const wrong = difference(heard, said.ours);
  if (wrong !== undefined) return `what we said to ws: ${wrong}`;
  for (const chunk of cut(ws.written(), random)) ours.engine.receive(chunk);
  const wrongly = difference(ours.words.map((word) => word.trimEnd()), said.theirs);
  return wrongly && `what ws said to us: ${wrongly}`;
}
