/**
 * One message to many callers (features S11, S12): made once, offered to each at its own pace, and waited for by nobody.
 * Knows no topic.
 */

import { toMessage } from "../binding/payload.ts";
import { byteSize } from "../bytes.ts";
import { SharedMessage } from "../streams/shared_message.ts";
import { type Caller, linkOf } from "./caller.ts";
import { checkNames, wrongKind } from "../option_check.ts";

/** How to broadcast. */
export interface BroadcastOptions {
  /** Who is left out: usually the caller whose message it is. */
  readonly except?: Caller | Iterable<Caller>;
  /**
   * For a receiver where the message would pass its `maxBufferedAmount`: the message is dropped, or the receiver is
   * closed with 1013. Default: each receiver's own `bufferPolicy`.
   */
  readonly policy?: "drop" | "close";
}

/** To how many a message went. Those left out are in none of the numbers. */
export interface BroadcastResult {
  /** It was accepted: it is on its way, or waits its turn. */
  readonly sent: number;
  /** There was no room for it. */
  readonly dropped: number;
  /** They had closed already, or were closed for being too slow. */
  readonly closed: number;
}

/**
 * Sends `message` to every one of `callers`, and returns at once: a slow or dead peer holds up nobody. The message is
 * turned into text or bytes once, and framed once for each kind of receiver. Bytes have been read when this returns.
 *
 * ```ts ignore
 * broadcast(room, { from: name, text }, { except: caller, policy: "drop" });
 * ```
 *
 * @throws {TypeError} when it can not be sent as a message (see `Caller.writeMessage`), or the policy is none
 */
export function broadcast(
  callers: Iterable<Caller>,
  message: unknown,
  options: BroadcastOptions = {},
): BroadcastResult {
  checkNames(options, NAMES);
  const { except, policy } = options;
  if (policy !== undefined && policy !== "drop" && policy !== "close") throw wrongKind("policy", "drop or close");
  const shared = new SharedMessage(toMessage(message));
  const out: ReadonlySet<unknown> = new Set<unknown>(isIterable(except) ? except : [except]);
  const result = { sent: 0, dropped: 0, closed: 0 };
  for (const caller of callers) {
    if (!out.has(caller)) result[offer(caller, shared, policy)]++;
  }
  return result;
}

const NAMES: readonly (keyof BroadcastOptions)[] = ["except", "policy"];

function offer(caller: Caller, shared: SharedMessage, policy: BroadcastOptions["policy"]): keyof BroadcastResult {
  const link = linkOf(caller);
  const { endpoint, maxBufferedAmount } = link;
  if (endpoint.state !== "open") return "closed";
  const { bufferedAmount, messagesDropped } = endpoint;
  if (policy !== undefined && bufferedAmount > 0) {
    if (bufferedAmount + byteSize(shared.message) > maxBufferedAmount) {
      if (policy === "drop") return "dropped";
      link.close(1013, "too slow", undefined);
      return "closed";
    }
  }
  try {
    // Nobody waits for room here; that the connection ended meanwhile is told to its own service.
    void endpoint.send(shared.message, true, shared);
  } catch {
    // Closed by its own policy, or even the room for waiting messages is full.
    return endpoint.state === "open" ? "dropped" : "closed";
  }
  return endpoint.messagesDropped > messagesDropped ? "dropped" : "sent";
}

function isIterable(value: Caller | Iterable<Caller> | undefined): value is Iterable<Caller> {
  return value !== undefined && Symbol.iterator in value;
}
