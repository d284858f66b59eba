/**
 * One message to many callers (features S11, S12): made once, offered to each at its own pace, and waited for by nobody.
 * Knows no topic.
 */

import { toMessage } from "../binding/payload.ts";
import { byteSize } from "../bytes.ts";
import { SharedMessage } from "../streams/shared_message.ts";
import { type Caller, linkOf } from "./caller.ts";
import { checkNames, wrongKind } from "../option_check.ts";

/** Options of `broadcast`. */
export interface BroadcastOptions {
  /** A caller, or several, that are left out: usually the one whose message it is. Default: none. */
  readonly except?: Caller | Iterable<Caller>;
  /**
   * For a receiver where the message would pass its `maxBufferedAmount`: the message is dropped, or the receiver is
   * closed with 1013. Default: each receiver's own `bufferPolicy`.
   */
  readonly policy?: "drop" | "close";
}

/**
 * To how many callers a message went. Those left out are in none of the numbers. A handler that returns it by accident,
 * as `(caller, text) => broadcast(room, text)` does, neither compiles nor sends it.
 */
export class BroadcastResult {
  /** How many it was accepted for: it is on its way, or waits its turn. */
  readonly sent: number;
  /** How many had no room for it. */
  readonly dropped: number;
  /** How many had closed already, or were closed for being too slow. */
  readonly closed: number;
  /** @ignore Only for the type checker. */
  declare readonly [Symbol.toStringTag]: string;

  /** @ignore `broadcast` makes them. */
  constructor({ sent, dropped, closed }: Record<Fate, number>) {
    this.sent = sent;
    this.dropped = dropped;
    this.closed = closed;
  }
}

/** What became of a message to one caller. */
type Fate = "sent" | "dropped" | "closed";

/**
 * Sends `message` to every one of `callers`, and returns at once: a slow or dead peer holds up nobody. The message is
 * turned into text or bytes once, and framed once for each kind of receiver. Bytes have been read when this returns.
 *
 * @throws {TypeError} when it can not be sent as a message (see `Caller.writeMessage`), or an option cannot be used
 * @example
 * ```ts
 * import { broadcast, type Caller, Client, Listener } from "hawser";
 *
 * const room = new Set<Caller>();
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/room", {
 *   get: () => ({
 *     onOpen: (caller) => {
 *       room.add(caller);
 *       return "welcome";
 *     },
 *     onTextMessage: (caller, text) => {
 *       const { sent } = broadcast(room, { text }, { except: caller, policy: "drop" });
 *       return `sent to ${sent}`;
 *     },
 *     onClose: (caller) => room.delete(caller),
 *   }),
 * });
 * await listener.start();
 *
 * const [ada, bob] = [await Client.connect(`${listener.url}/room`), await Client.connect(`${listener.url}/room`)];
 * await ada.readTextMessage(); // both are in the room
 * await bob.readTextMessage();
 * await ada.writeTextMessage("hello");
 * console.log(await ada.readTextMessage()); // sent to 1
 * console.log(await bob.readTextMessage()); // {"text":"hello"}
 * await Promise.all([ada.close(), bob.close()]);
 * await listener.gracefulStop();
 * ```
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
  const out = except && new Set<unknown>(isIterable(except) ? except : [except]);
  const counts = { sent: 0, dropped: 0, closed: 0 };
  for (const caller of callers) {
    if (!out?.has(caller)) counts[offer(caller, shared, policy)]++;
  }
  return new BroadcastResult(counts);
}

const NAMES: readonly (keyof BroadcastOptions)[] = ["except", "policy"];

function offer(caller: Caller, shared: SharedMessage, policy: BroadcastOptions["policy"]): Fate {
  const link = linkOf(caller);
  const { endpoint, maxBufferedAmount } = link;
  if (endpoint.state !== "open") return "closed";
  const { writes } = endpoint;
  if (policy !== undefined && writes.bufferedAmount > 0) {
    const bytes = byteSize(shared.message);
    if (writes.bufferedAmount + bytes > maxBufferedAmount || writes.refusal(bytes) !== undefined) {
      writes.discard();
      if (policy === "drop") return "dropped";
      link.close(1013, "too slow", undefined);
      return "closed";
    }
  }
  const { messagesDropped } = writes;
  try {
    // Nobody waits for room here; that the connection ended meanwhile is told to its own service.
    void endpoint.send(shared.message, true, shared);
  } catch {
    // Closed by its own policy, or even the room for waiting messages is full.
    return endpoint.state === "open" ? "dropped" : "closed";
  }
  return writes.messagesDropped > messagesDropped ? "dropped" : "sent";
}

function isIterable(value: Caller | Iterable<Caller> | undefined): value is Iterable<Caller> {
  return value !== undefined && Symbol.iterator in value;
}
