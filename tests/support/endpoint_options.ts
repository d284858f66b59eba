/** The options of an endpoint that nothing hurries, on a manual clock. */

import type { EndpointOptions } from "../../src/streams/endpoint.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { ManualClock } from "./manual_clock.ts";

export function endpointOptions(clock: ManualClock, options: Partial<EndpointOptions> = {}): EndpointOptions {
  return {
    clock,
    deadlines: new Deadlines(clock),
    readAhead: { messages: 1_024, bytes: 1_048_576 },
    maxBufferedAmount: 1_000,
    bufferPolicy: "wait",
    idleMs: Infinity,
    pingMs: Infinity,
    pongMs: Infinity,
    closeMs: 60_000,
    ...options,
  };
}
