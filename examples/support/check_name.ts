/** What somebody may be called who comes with a name in the path. */

import { UpgradeError } from "../../mod.ts";

/**
 * Letters of any script, digits and a few signs. No space and no colon: nobody's name reads like a sentence of the
 * server's, or like somebody else's words.
 */
const NAME = /^[\p{L}\p{M}\p{N}_.-]{1,20}$/u;

/**
 * Hands back the name that stands for all its spellings: `Ada` and `ada` are the same.
 *
 * @throws {UpgradeError} with 400 when it is none
 */
export function checkName(name: string): string {
  if (NAME.test(name)) return name.normalize("NFKC").toLowerCase();
  throw new UpgradeError(400, "A name has 1 to 20 letters, digits, dots, dashes and underscores");
}
