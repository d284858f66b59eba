/**
 * One upgrade on `Deno.serve` (Deno 2.9): decided above, made with `Deno.upgradeWebSocket`. Once that is called its response
 * has to be returned, or the whole server ends; so everything that can fail comes before.
 */

import {
  ConnectionError,
  CorruptedFrameError,
  InvalidContinuationFrameError,
  PayloadTooLargeError,
  type WebSocketError,
} from "../../errors.ts";
import { FAILED } from "../../handshake/refusal.ts";
import type { Clock } from "../../transport/clock.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { Acceptance, Limitations } from "../../transport/upgrade.ts";
import type { Door } from "../native/door.ts";
import { NativeRequest } from "../native/native_request.ts";
import { NativeUpgrade } from "../native/native_upgrade.ts";
import type { Traffic } from "../native/traffic.ts";
import type { DrainPoll } from "../web/drain_poll.ts";
import { type PlatformCloseEvent, WebSocketAdapter } from "../web/web_socket.ts";
import type { DenoApi, DenoServeInfo, DenoWebSocket } from "./deno_api.ts";

/** Bytes: a frame that is longer ends in a reset, without a close frame. */
const LARGEST = 67_108_864;

/** What cannot be had of `Deno.upgradeWebSocket`. */
export const DENO_LIMITATIONS: Limitations = {
  runtime: "deno",
  options: new Map([
    ["maxFrameSize", "Deno's own sockets do not show or split frames"],
    ["maxFragments", "Deno's own sockets do not show fragments"],
    ["maxPendingPongs", "Deno's own sockets answer pings by themselves"],
    ["maxControlFramesPerSecond", "Deno's own sockets do not show pings and pongs"],
    ["maxInflatedBytesPerSecond", "Deno's own sockets do not compress"],
    ["messageTimeout", "Deno's own sockets do not show a message before it is whole"],
    ["maxStreamedMessageSize", "Deno's own sockets do not show a message before it is whole"],
  ]),
  compression: new Map(
    [
      "threshold",
      "level",
      "serverMaxWindowBits",
      "clientMaxWindowBits",
      "serverNoContextTakeover",
      "clientNoContextTakeover",
      "maxTotalWindows",
    ].map((name) => [name, "Deno's own sockets do not compress"]),
  ),
  handlers: new Map([
    [
      "onMessageStream",
      '"onMessageStream" would get whole messages only: Deno\'s own sockets do not show one before it is whole',
    ],
    ["onPing", '"onPing" would never be called: Deno\'s own sockets answer pings by themselves'],
    ["onPong", '"onPong" would never be called: Deno\'s own sockets do not show pongs'],
  ]),
  largestMessage: LARGEST,
  secureSocket: ["hosts", "mutualSsl", "protocol", "ciphers", "shareSession", "sessionTimeout", "handshakeTimeout"]
    .map((option) => ({ option, reason: "Deno's own server takes a key and a certificate, and no more of TLS" })),
};

/** What an upgrade works with. */
export interface DenoTools {
  readonly deno: DenoApi;
  readonly clock: Clock;
  readonly drainPoll: DrainPoll;
  /** The server has TLS, which Deno does not tell. */
  readonly secure: boolean;
}

/** Milliseconds until a socket that does not open counts as lost: nothing tells that its client left just before. */
const OPEN_MS = 2_000;
const LATE_MS = 200;

export class DenoUpgrade extends NativeUpgrade {
  readonly #door: Door<DenoServeInfo>;
  readonly #tools: DenoTools;
  readonly #traffic: Traffic;

  constructor(
    request: Request,
    info: DenoServeInfo | undefined,
    door: Door<DenoServeInfo>,
    tools: DenoTools,
    traffic: Traffic,
  ) {
    super(request, new NativeRequest(request, addressOf(info), tools.secure), door);
    this.#door = door;
    this.#tools = tools;
    this.#traffic = traffic;
  }

  override async accept(
    { protocol, headers, limits, keepAliveMs, maxBufferedAmount, buffers }: Acceptance,
  ): Promise<MessageSocket> {
    let added: Headers;
    let upgraded: ReturnType<DenoApi["upgradeWebSocket"]>;
    try {
      // What may not travel throws here. Deno's own option for it takes no list without a space behind its commas.
      added = this.#door.withServer(headers);
      if (protocol !== undefined) added.set("sec-websocket-protocol", protocol);
      // An upgrade for somebody who has left never opens, and its server never shuts down.
      const { hasLeft } = this.request;
      const raw = this.take();
      if (hasLeft) throw this.#left();
      const idleTimeout = keepAliveMs === Infinity ? 0 : Math.max(1, Math.ceil(keepAliveMs / 1_000));
      upgraded = this.#tools.deno.upgradeWebSocket(raw, { idleTimeout });
    } catch (error) {
      this.answerWith(this.#door.refuse(FAILED));
      throw error;
    }
    const { socket, response } = upgraded;
    const opened = this.#opened(socket);
    const adapter: WebSocketAdapter = new WebSocketAdapter(socket, {
      clock: this.#tools.clock,
      drainPoll: this.#tools.drainPoll,
      maxMessageSize: limits.maxMessageSize,
      maxBufferedAmount,
      buffers,
      protocol: protocol ?? "",
      judge,
      lossOf,
      onClosed: () => this.#traffic.closed(adapter),
    });
    this.#traffic.opened(adapter);
    for (const [name, value] of added) response.headers.append(name, value);
    this.answerWith(response);
    if (await opened) return adapter;
    adapter.destroy();
    throw this.#left();
  }

  /** Whether it opens. */
  #opened(socket: DenoWebSocket): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (opens: boolean): void => {
        cancel();
        // Deno keeps the socket for a while after its end, and with this all of the upgrade.
        socket.onopen = opens ? null : () => socket.close();
        resolve(opens);
      };
      const { clock } = this.#tools;
      // After a stall of the event loop the timer comes before what has happened meanwhile.
      let cancel = clock.after(OPEN_MS, () => cancel = clock.after(LATE_MS, () => settle(false)));
      socket.onopen = () => settle(true);
    });
  }

  #left(): ConnectionError {
    return new ConnectionError("Cannot accept the upgrade: the client has left");
  }
}

/** Without it when a server of somebody's handed over no info, or the client has left meanwhile, when Deno throws. */
function addressOf(info: DenoServeInfo | undefined): string | undefined {
  try {
    return (info?.remoteAddr as { hostname?: string } | undefined)?.hostname;
  } catch {
    return undefined;
  }
}

/**
 * After a close frame of ours Deno tells of 1005, cleanly, also when the peer just left: nothing says that an answer came.
 * And it says 0 where the WHATWG standard has 1006.
 */
function judge(event: PlatformCloseEvent, closedFirst: boolean): PlatformCloseEvent {
  const { code, reason, wasClean } = event;
  return closedFirst && code === 1005 ? { code, reason, wasClean: false } : { code, reason, wasClean };
}

/** Deno drops whoever breaks a rule, without a close frame; its `error` event says which. */
function lossOf(reason: string, cause: Error | undefined): WebSocketError | undefined {
  if (reason.startsWith("No response from ping frame")) {
    return new ConnectionError("The peer did not answer a ping in time");
  }
  const said = cause?.message ?? "";
  // The peer just left.
  if (said === "" || said.includes("Unexpected EOF")) return undefined;
  if (said.includes("UTF-8")) return new CorruptedFrameError(said, 1007, "§8.1", { cause });
  if (said === "Frame too large") return new PayloadTooLargeError(said, LARGEST + 1, LARGEST, { cause });
  if (/continuation|Invalid fragment/.test(said)) return new InvalidContinuationFrameError(said);
  const broken = !said.includes("os error") && /Invalid |Reserved bits|Control frame|Ping frame/.test(said);
  if (broken) return new CorruptedFrameError(said, 1002, "§5.2", { cause });
  return new ConnectionError("The connection was lost", { cause });
}
