/** How a connection ended, told from what happened to it (RFC 6455 §7.1.4 to §7.1.6). Knows no engine and no socket. */

import { ABNORMAL } from "../close_code.ts";
import {
  type CloseFrameInfo,
  type Closure,
  ConnectionError,
  type CorruptedFrameError,
  type PayloadTooLargeError,
  type WebSocketError,
} from "../errors.ts";

/** What happened, as far as it did. */
export interface Ending {
  readonly received: CloseFrameInfo | undefined;
  readonly sent: CloseFrameInfo | undefined;
  readonly first: "local" | "remote" | undefined;
  /** The rule that was broken, or why somebody dropped it. */
  readonly error: WebSocketError | undefined;
  /** What the transport said of a loss. */
  readonly cause: Error | undefined;
}

export function closureOf({ received, sent, first, error, cause }: Ending): Closure {
  const clean = received !== undefined && sent !== undefined;
  if (error === undefined && !clean && cause !== undefined) {
    error = withoutStack(() => new ConnectionError("The connection was lost", { cause }));
  }
  // A rule that the peer broke ended it, and our close frame says which.
  const { closeCode } = (error ?? {}) as Partial<CorruptedFrameError | PayloadTooLargeError>;
  const frame = received ?? (sent?.code === closeCode ? sent : undefined);
  return {
    code: frame?.code ?? ABNORMAL,
    reason: frame?.reason ?? "",
    clean,
    ...(received && { received }),
    ...(sent && { sent }),
    ...(first && { first }),
    ...(error && { error }),
  };
}

/** What `make` makes, without the calls that led here: they are the event loop's, and cost more than all of the ending. */
function withoutStack<Made>(make: () => Made): Made {
  const settings = Error as { stackTraceLimit?: number };
  const limit = settings.stackTraceLimit;
  if (!Reflect.set(settings, "stackTraceLimit", 0)) return make();
  try {
    return make();
  } finally {
    settings.stackTraceLimit = limit!;
  }
}
