/** What a runtime gives a client and a listener, in one hand. Types only. */

import type { Allocate, DecodeAscii, FillRandom } from "../bytes.ts";
import type { Clock } from "./clock.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Dial } from "./dialer.ts";
import type { TlsTools } from "./tls.ts";
import type { DeflateCodec } from "../deflate_codec.ts";
import type { Host, NativeHost } from "./upgrade.ts";
import type { WindowBudget } from "./window_budget.ts";

/** What compressing messages takes. */
export interface DeflateTools {
  readonly codec: DeflateCodec;
  /** Shared by every connection of this process. */
  readonly windows: WindowBudget;
}

export interface Runtime {
  /** As it calls itself: `node`, `deno`, `bun`. */
  readonly name: string;
  readonly clock: Clock;
  /** Shared by every connection of this process. */
  readonly deadlines: Deadlines;
  readonly fillRandom: FillRandom;
  /** Its fastest way from ASCII to a string, if it has one. */
  readonly decodeAscii?: DecodeAscii;
  /** Its fastest way to memory, if it has one. */
  readonly allocate?: Allocate;
  /** What compressing takes, if it has that. */
  readonly deflate?: DeflateTools;
  readonly host: Host;
  /** On its own server and sockets, if it has such. */
  readonly nativeHost?: NativeHost;
  readonly dial: Dial;
  /** What TLS takes, if it can be told how to speak it. */
  readonly tls?: TlsTools;
  /** The value of an environment variable, if there are such. Throws where reading it is not allowed. */
  readEnvironment?(name: string): string | undefined;
  /** Tells the person who runs the process of an error that nobody took. Must not throw. */
  report(error: unknown): void;
}
