/** Tries a property with one seed; a failure comes back with the shortest sample that shows it. */

import { Random } from "../support/random.ts";
import type { Property } from "./properties.ts";
import { type Sample, shortest } from "./samples.ts";

export interface Failure {
  readonly property: string;
  readonly seed: number;
  readonly wrong: string;
  readonly sample: Sample;
}

export function tryOnce(property: Property, seed: number): Failure | undefined {
  const sample = property.make(new Random(seed));
  if (attempt(property, sample) === undefined) return undefined;
  const least = shortest(sample, (shorter) => attempt(property, shorter) !== undefined);
  return { property: property.name, seed, wrong: attempt(property, least)!, sample: least };
}

/** As text that says how to see it again. */
export function describeFailure({ property, seed, wrong, sample }: Failure): string {
  const steps = sample.steps.map((step) => `  ${step.length > 400 ? `${step.slice(0, 400)}…` : step}`).join("\n");
  return `${property}\nseed ${seed}: ${wrong}\nas a ${sample.role}, cut by seed ${sample.seed}:\n${steps}`;
}

/** What is wrong, an exception included: the engine documents none. */
function attempt({ check }: Property, sample: Sample): string | undefined {
  try {
    return check(sample);
  } catch (error) {
    return `it threw ${error instanceof Error ? error.stack : String(error)}`;
  }
}
