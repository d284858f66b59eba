/** What a fuzzer tries: samples of a kind, and what must hold of each. */

import type { Role } from "../../src/protocol/engine.ts";
import type { Random } from "../support/random.ts";

/**
 * What the steps of a sample are: `hex`, bytes as two digits each; `text`, characters of one byte each, a line of a head or
 * a value; `words`, something to do that `Property.make` puts in words.
 */
export const KINDS = {
  frames: "hex",
  conversation: "words",
  network: "words",
  request: "text",
  answer: "text",
  extensions: "text",
  wishes: "words",
  routes: "text",
  texts: "text",
  json: "text",
  store: "hex",
  tree: "words",
} as const;

export type Kind = keyof typeof KINDS;

/** Something to try: made from a seed or read from the corpus, printed when it fails, made shorter by leaving steps out. */
export interface Sample {
  readonly role: Role;
  /** Of what is random in the playing: cuts, pauses, limits and parameters. */
  readonly seed: number;
  /** As the kind of the property says. */
  readonly steps: readonly string[];
}

export interface Property {
  readonly name: string;
  /** Properties of one kind try each other's samples. */
  readonly kind: Kind;
  make(random: Random): Sample;
  /** What is wrong; undefined when it holds. */
  check(sample: Sample): string | undefined | Promise<string | undefined>;
}

export function sampleOf(random: Random, steps: (role: Role) => string[]): Sample {
  const role = random.pick(["server", "client"] as const);
  return { role, seed: random.below(2 ** 31), steps: steps(role) };
}

/** Where what was heard differs from what was expected. */
export function difference(heard: readonly string[], expected: readonly string[]): string | undefined {
  const at = expected.findIndex((word, i) => word !== heard[i]);
  if (at === -1 && heard.length === expected.length) return undefined;
  const i = at === -1 ? expected.length : at;
  return `word ${i + 1} is ${JSON.stringify(cut(heard[i]))}, and should be ${JSON.stringify(cut(expected[i]))}`;
}

function cut(word: string | undefined): string | undefined {
  return word === undefined || word.length <= 200 ? word : `${word.slice(0, 200)}… (${word.length})`;
}
