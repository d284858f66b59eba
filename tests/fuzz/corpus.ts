/**
 * The corpus: samples that are worth trying again, one in a file of `corpus/<kind>/`, to be read by people:
 *
 *     # What it is, and where it comes from.
 *     server 7
 *     81 05 2a×5
 *
 * First for which role and from which seed it is played, then its steps. A step of words or hex stands as it is, `2a×5`
 * being a byte five times; one of text as a JSON string.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Role } from "../../src/protocol/engine.ts";
import { CASES } from "../conformance/cases.ts";
import { inputOf, rolesOf } from "../conformance/verdict.ts";
import { readFrames } from "../support/frames.ts";
import { spellOut, toHex } from "../support/hex.ts";
import { type Kind, KINDS, type Sample } from "./property.ts";

export interface Entry {
  readonly kind: Kind;
  /** Its file's, such as `frames/ping_between_fragments.txt`. */
  readonly name: string;
  readonly sample: Sample;
}

const FOLDER = fileURLToPath(new URL("./corpus/", import.meta.url));

/** All that is there, always in the same order. */
export function readCorpus(): Entry[] {
  const kinds = Object.keys(KINDS) as Kind[];
  return kinds.flatMap((kind) => filesOf(`${FOLDER}${kind}`).map((name) => readEntry(`${FOLDER}${kind}/${name}`)));
}

/** The cases of tests/conformance: tried there, and good to be changed. */
export function readCases(): Entry[] {
  return CASES.flatMap((item) =>
    rolesOf(item).map((role): Entry => {
      const steps = stepsOf(inputOf(item, role));
      return { kind: "frames", name: `case ${item.id} for a ${role}`, sample: { role, seed: 0, steps } };
    })
  );
}

/** A frame each. */
function stepsOf(wire: Uint8Array): string[] {
  let at = 0;
  return readFrames(wire).map(({ header, masked, payload }) => {
    const end = at + header.length + (masked ? 4 : 0) + payload.length;
    const step = toHex(wire.slice(at, end));
    at = end;
    return step;
  });
}

/** @param path of a file in a folder that is called like its kind */
export function readEntry(path: string): Entry {
  const [kind = "", file = ""] = path.split(/[\\/]/).slice(-2);
  if (!Object.hasOwn(KINDS, kind)) throw new TypeError(`Cannot read ${path}: its folder is not called like a kind`);
  return { kind: kind as Kind, name: `${kind}/${file}`, sample: parseSample(readFileSync(path, "utf8"), path) };
}

/** Keeps `sample`, and says where. */
export function keep(kind: Kind, name: string, comment: string, sample: Sample): string {
  const path = `${FOLDER}${kind}/${name}.txt`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, writeSample(kind, comment, sample));
  return path;
}

export function parseSample(text: string, where: string): Sample {
  const [head = "", ...lines] = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const [, role, seed] = /^(client|server) (\d+)$/.exec(head) ?? [];
  if (role === undefined) throw new TypeError(`Cannot read ${where}: the first line is not a role and a seed`);
  return { role: role as Role, seed: Number(seed), steps: lines.map(readStep) };
}

export function writeSample(kind: Kind, comment: string, { role, seed, steps }: Sample): string {
  const comments = comment.split("\n").map((line) => `# ${line}`);
  return [...comments, `${role} ${seed}`, ...steps.map((step) => writeStep(kind, step)), ""].join("\n");
}

function readStep(line: string): string {
  if (line.startsWith('"')) return JSON.parse(line) as string;
  return spellOut(line);
}

function writeStep(kind: Kind, step: string): string {
  if (KINDS[kind] === "text" || step === "") {
    return JSON.stringify(step).replace(
      /[\x7f-\uffff]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }
  return step.replace(/\b([0-9a-f]{2})(?: \1){15,}(?= |$)/g, (run, byte: string) => `${byte}×${(run.length + 1) / 3}`);
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".txt")).sort();
  } catch {
    return [];
  }
}
