/** For a test whose peer comes from the system: see scripts/system_packages.ts. */

import process from "node:process";
import { present, SYSTEM_PACKAGES, type SystemNeed } from "../../../scripts/system_packages.ts";

const found = new Map<SystemNeed, Promise<boolean>>();

/** The body of a test that needs something. Without it the test fails where `CI=true`, and elsewhere says so loudly. */
export function needs(need: SystemNeed, body: () => Promise<void>): () => Promise<void> {
  return async () => {
    if (!found.has(need)) found.set(need, present([need]).then((there) => there.has(need)));
    if (await found.get(need)) return body();
    const missing = `${need} is missing (Debian: ${SYSTEM_PACKAGES[need]}; npx tsx scripts/system_packages.ts)`;
    if (process.env["CI"] === "true") throw new Error(missing);
    console.warn(`DID NOT RUN: ${missing}`);
  };
}
