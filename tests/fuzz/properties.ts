/** Everything that the fuzzer tries. */

import { CONNECTION_PROPERTIES } from "./connections.ts";
import { ENGINE_PROPERTIES } from "./engine_properties.ts";
import { HANDSHAKE_PROPERTIES } from "./handshake_properties.ts";
import type { Property } from "./property.ts";
import { SERVICE_PROPERTIES } from "./service_properties.ts";
import { STORE_PROPERTIES } from "./store_properties.ts";
import { TEXT_PROPERTIES } from "./text_properties.ts";
import { WS_PROPERTIES } from "./ws_properties.ts";

export const PROPERTIES: readonly Property[] = [
  ...ENGINE_PROPERTIES,
  ...CONNECTION_PROPERTIES,
  ...WS_PROPERTIES,
  ...HANDSHAKE_PROPERTIES,
  ...TEXT_PROPERTIES,
  ...SERVICE_PROPERTIES,
  ...STORE_PROPERTIES,
];

/** What there is to be checked of each kind, each once, however many properties make samples for it. */
export const CHECKS: readonly Property[] = PROPERTIES.filter((property, i) =>
  PROPERTIES.findIndex(({ check }) => check === property.check) === i
);
