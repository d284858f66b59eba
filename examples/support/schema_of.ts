/** A schema by hand, so that the examples need no package: zod, valibot and arktype make one of a description. */

import type { StandardSchema } from "../../mod.ts";

/** Takes what `fits`, as it is, and calls everything else "Not `what`". */
export function schemaOf<Value>(what: string, fits: (value: unknown) => value is Value): StandardSchema<Value> {
  return {
    "~standard": {
      version: 1,
      vendor: "hawser-examples",
      validate: (value) => fits(value) ? { value } : { issues: [{ message: `Not ${what}` }] },
    },
  };
}
