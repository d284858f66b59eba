/** A request that was sent, as whoever finds its replies sees it. Types only. */

import type { MessageEndpoint } from "../streams/message_endpoint.ts";
import type { Reply } from "./reply_binder.ts";

/** What a reply came on, as those need it that keep replies for their reader. */
export type ReplyEndpoint = Pick<MessageEndpoint, "queue" | "overflowed" | "hold" | "released" | "closedError">;

export interface PendingRequest {
  /** More than one reply may come. */
  readonly isStream: boolean;
  /** It is about to be sent. `over` is to be called when nothing more is wanted; again is harmless. */
  begin(over: () => void): void;
  /** A reply, which came on `endpoint`. The last one, unless it is a stream. */
  reply(text: string, reply: Reply, endpoint: ReplyEndpoint): void;
  /** The server said, with `reply`, that it has no more. */
  completed(reply: Reply, endpoint: ReplyEndpoint): void;
  /** No reply follows, because of `error`; those that came can be read. */
  ended(error: unknown): void;
  /** It is given up, because of `error`: nothing more is wanted. */
  abort(error: unknown): void;
}
