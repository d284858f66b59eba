/**
 * Connects with the platform's own `WebSocket` (WHATWG): the handshake is its own, and why it failed it does not tell.
 * Knows no option beyond what that class takes.
 */

import type { Connect, ConnectSettings, Opened } from "../../client/connector.ts";
import type { Target } from "../../client/target.ts";
import { ConnectionError, HandshakeTimedOutError, InvalidHandshakeError, UnsupportedError } from "../../errors.ts";
import { verifyProtocol } from "../../handshake/subprotocol.ts";
import type { Clock } from "../../transport/clock.ts";
import { DrainPoll } from "../web/drain_poll.ts";
import { type PlatformSocket, WebSocketAdapter } from "../web/web_socket.ts";

/** A platform's `WebSocket` while it connects. */
export interface ConnectingSocket extends PlatformSocket {
  onopen: ((event: object) => void) | null;
}

/** The class, or undefined where there is none. */
export type FindWebSocket = () => (new (url: string, protocols: string[]) => ConnectingSocket) | undefined;

/** @param runtime as it calls itself */
export function webConnect(find: FindWebSocket, clock: Clock, runtime: string): Connect {
  const drainPoll = new DrainPoll(clock);
  return (target, settings, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = open(find, target, settings, runtime);
      const { protocols, handshakeMs, limits } = settings;
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
        const verdict = verifyProtocol(protocols, socket.protocol || null);
        if ("problem" in verdict) return fail(unusable(verdict.problem));
        finish();
        const { maxMessageSize } = limits;
        const adapter = new WebSocketAdapter(socket, { clock, drainPoll, maxMessageSize, closeCode });
        resolve({ socket: adapter, response: undefined } satisfies Opened);
      };
    });
}

/** @throws {UnsupportedError} when a page may not close with `code` */
export function checkCode(code: number): void {
  if (isPageCode(code)) return;
  const reason = "a page may send 1000, and 3000 to 4999";
  throw new UnsupportedError(`Cannot close with code ${code}: ${reason}`, "close code", "browser");
}

/** A code of our own that a page may not send travels as the one 3000 above it: 1008 as 4008. */
function closeCode(code: number): number {
  return isPageCode(code) ? code : code + 3_000;
}

function isPageCode(code: number): boolean {
  return code === 1000 || code >= 3000;
}

function open(
  find: FindWebSocket,
  target: Target,
  { protocols }: ConnectSettings,
  runtime: string,
): ConnectingSocket {
  const WebSocket = find();
  if (WebSocket === undefined) {
    throw new UnsupportedError("Cannot connect: there is no global WebSocket here", "client", runtime);
  }
  if (target.dial.socketPath !== undefined) {
    throw new UnsupportedError("Cannot connect: a page cannot reach a Unix socket", "ws+unix:", runtime);
  }
  try {
    return new WebSocket(target.request.href, [...protocols]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectionError(`Cannot connect: ${why}`, { cause });
  }
}

function unusable(problem: string): InvalidHandshakeError {
  const response = { status: 101, headers: new Headers(), body: () => Promise.resolve("") };
  return new InvalidHandshakeError(`Cannot open the WebSocket: ${problem}`, response);
}
