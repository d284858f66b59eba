/** What a connection is made of, besides its transport. Types only. */

import type { Allocate, DecodeAscii, FillRandom } from "../bytes.ts";
import type { Role } from "../protocol/engine.ts";
import type { PermessageDeflate } from "../protocol/permessage_deflate.ts";
import type { BufferBudget } from "../transport/buffer_budget.ts";
import type { Clock } from "../transport/clock.ts";
import type { Deadlines } from "../transport/deadlines.ts";
import type { SocketLimits } from "../transport/upgrade.ts";

export interface ConnectionOptions {
  readonly role: Role;
  /** The sub-protocol that was agreed on, empty for none. */
  readonly protocol: string;
  readonly limits: SocketLimits;
  /** Where all connections of a listener count what they keep; undefined: nowhere. */
  readonly buffers?: BufferBudget | undefined;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly fillRandom: FillRandom;
  /** The runtime's fastest way from ASCII to a string, if it has one. */
  readonly decodeAscii?: DecodeAscii | undefined;
  /** The runtime's fastest way to memory, if it has one. */
  readonly allocate?: Allocate | undefined;
  /** How messages are compressed, when that was agreed on. The connection's alone. */
  readonly deflate?: PermessageDeflate | undefined;
  /** Bytes that came behind the handshake. The connection's from now on. */
  readonly head?: Uint8Array;
}
