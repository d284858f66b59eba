/**
 * Connects with the platform's own `WebSocket` (WHATWG): the handshake is its own, and why it failed it does not tell.
 * Knows no option beyond what that class takes.
 */

import type { Opened } from "../../client/connector.ts";
import { ConnectionError, HandshakeTimedOutError, InvalidHandshakeError, UnsupportedError } from "../../errors.ts";
import type { Clock } from "../../transport/clock.ts";
import { DrainPoll } from "../web/drain_poll.ts";
import { type PlatformSocket, WebSocketAdapter } from "../web/web_socket.ts";
import { isPageCode, NAME, type PageSettings } from "./page_options.ts";

/** A platform's `WebSocket` while it connects. */
export interface ConnectingSocket extends PlatformSocket {
  onopen: ((event: object) => void) | null;
}

/** The class, or undefined where there is none. */
export type FindWebSocket = () => (new (url: string, protocols: string[]) => ConnectingSocket) | undefined;

/** As `Connect`, to a URL. */
export type WebConnect = (
  url: string,
  settings: Pick<PageSettings<never>, "protocols" | "handshakeMs" | "maxMessageSize" | "pacing">,
  signal: AbortSignal,
) => Promise<Opened>;

export function webConnect(find: FindWebSocket, clock: Clock): WebConnect {
  const drainPoll = new DrainPoll(clock);
  return (url, { protocols, handshakeMs, maxMessageSize, pacing: { maxBufferedAmount } }, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = open(find(), url, protocols);
      const fail = (reason: unknown): void => {
        finish();
        // What still happens to it is nobody's concern.
        socket.onopen = socket.onerror = socket.onclose = null;
        socket.close();
        reject(reason);
      };
      const finish = (): void => {
        cancel?.();
        signal.removeEventListener("abort", aborted);
      };
      const aborted = (): void => fail(signal.reason);
      signal.addEventListener("abort", aborted);
      const cancel = handshakeMs === Infinity ? undefined : clock.after(handshakeMs, () => {
        const seconds = handshakeMs / 1_000;
        fail(new HandshakeTimedOutError(`Cannot connect: the handshake was not done within ${seconds} s`));
      });
      socket.onclose = () => fail(new ConnectionError("Cannot connect: the platform does not tell why"));
      socket.onopen = () => {
        if (protocols.length > 0 && !protocols.includes(socket.protocol)) return fail(noProtocol());
        finish();
        const options = { clock, drainPoll, maxMessageSize, maxBufferedAmount, closeCode };
        resolve({ socket: new WebSocketAdapter(socket, options), response: undefined });
      };
    });
}

/** A code of our own that a page may not send travels as the one 3000 above it: 1008 as 4008. */
function closeCode(code: number): number {
  return isPageCode(code) ? code : code + 3_000;
}

function open(
  WebSocket: ReturnType<FindWebSocket>,
  url: string,
  protocols: readonly string[],
): ConnectingSocket {
  if (WebSocket === undefined) {
    throw new UnsupportedError("Cannot connect: there is no global WebSocket here", "client", NAME);
  }
  try {
    return new WebSocket(url, [...protocols]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectionError(`Cannot connect: ${why}`, { cause });
  }
}

function noProtocol(): InvalidHandshakeError {
  const response = { status: 101, headers: new Headers(), body: () => Promise.resolve("") };
  const problem = "the server chose none of the sub-protocols offered";
  return new InvalidHandshakeError(`Cannot open the WebSocket: ${problem}`, response);
}
