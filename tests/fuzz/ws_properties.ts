/** Our reader beside that of `ws`: of the same bytes, however they are cut, both make the same, or it is explained why not. */

import { Random } from "../support/random.ts";
import { comeApart, FRAME_DIFFERENCES, isExplained, type Pair } from "./differences.ts";
import { LIMITS, mostOfAPiece, played, TIGHT } from "./engine_properties.ts";
import { mutated } from "./mutated.ts";
import { difference, type Property, type Sample, sampleOf } from "./property.ts";
import { anyBytes, compressedFrames, validFrames, wireOf } from "./samples.ts";
import { wsWords } from "./ws_reader.ts";

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
  },
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
