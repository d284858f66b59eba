/** Tries a property with one sample; a failure comes back with the shortest one that shows it. */

import { Random } from "../support/random.ts";
import type { Property, Sample } from "./property.ts";

export interface Failure {
  readonly property: Property;
  /** What is wrong, an exception included. */
  readonly wrong: string;
  readonly sample: Sample;
}

/** With what the property makes of `seed`. */
export function tryOnce(property: Property, seed: number): Promise<Failure | undefined> {
  return trySample(property, property.make(new Random(seed)));
}

export async function trySample(property: Property, sample: Sample): Promise<Failure | undefined> {
  if (await attempt(property, sample) === undefined) return undefined;
  const least = await shortest(sample, async (shorter) => await attempt(property, shorter) !== undefined);
  return { property, wrong: (await attempt(property, least))!, sample: least };
}

/** As text. */
export function describeFailure({ property, wrong, sample }: Failure): string {
  const steps = sample.steps.map((step) => `  ${step.length > 400 ? `${step.slice(0, 400)}…` : step}`).join("\n");
  return `${property.name}\n${wrong}\nas a ${sample.role}, played from seed ${sample.seed}:\n${steps}`;
}

async function attempt({ check }: Property, sample: Sample): Promise<string | undefined> {
  try {
    return await check(sample);
  } catch (error) {
    return `it threw ${error instanceof Error ? error.stack : String(error)}`;
  }
}

/** The fewest steps that still fail, found by leaving out ever smaller runs of them. */
export async function shortest(sample: Sample, fails: (sample: Sample) => Promise<boolean>): Promise<Sample> {
  let best = sample;
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.steps.length;) {
      const less = { ...best, steps: [...best.steps.slice(0, at), ...best.steps.slice(at + size)] };
      if (less.steps.length > 0 && await fails(less)) best = less;
      else at += size;
    }
  }
  return best;
}
