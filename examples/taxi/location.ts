/** Where a taxi is: checked when it comes, and said. */

import { schemaOf } from "../support/schema_of.ts";

export interface Location {
  /** Degrees, from −90 to 90. */
  readonly latitude: number;
  /** Degrees, from −180 to 180. */
  readonly longitude: number;
}

/** What a driver sends. */
export const Location = schemaOf("a location", (value): value is Location => {
  const { latitude, longitude } = (value ?? {}) as Partial<Record<keyof Location, unknown>>;
  return isDegrees(latitude, 90) && isDegrees(longitude, 180);
});

/** To a metre or so. */
export function formatLocation({ latitude, longitude }: Location): string {
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
}

function isDegrees(value: unknown, limit: number): boolean {
  return typeof value === "number" && Math.abs(value) <= limit;
}
