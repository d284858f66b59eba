import type { Measured } from "./kept.ts";
import type { Settings } from "./measure.ts";
export function writeDocument(all: readonly Measured[], _settings: Settings, _versions: readonly string[]): string {
  return `${all.length}`;
}
