/** Where a taxi is: checked when it comes, and said. */

export interface Location {
  /** Degrees, from −90 to 90. */
  readonly latitude: number;
  /** Degrees, from −180 to 180. */
  readonly longitude: number;
}

/** A location from a driver's message, which is JSON; undefined when it is none. */
export function parseLocation(message: string): Location | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  const { latitude, longitude } = (value ?? {}) as Record<keyof Location, unknown>;
  return isDegrees(latitude, 90) && isDegrees(longitude, 180) ? { latitude, longitude } : undefined;
}

/** To a metre or so. */
export function formatLocation({ latitude, longitude }: Location): string {
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
}

function isDegrees(value: unknown, limit: number): value is number {
  return typeof value === "number" && Math.abs(value) <= limit;
}
