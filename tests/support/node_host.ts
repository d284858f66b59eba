/** The host of `node:` on a free port, with limits a test can reach, and everything it opened closed behind each test. */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { httpHost } from "../../src/adapters/node/http_host.ts";
import { systemClock } from "../../src/adapters/node/system_clock.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { MessageSink, MessageSocket } from "../../src/transport/message_socket.ts";
import {
  DEFAULT_LIMITS,
  type Listening,
  type ListenOptions,
  type Upgrade,
  type UpgradeHandler,
} from "../../src/transport/upgrade.ts";
import { zlibCodec } from "../../src/adapters/node/zlib_codec.ts";
import { WindowBudget } from "../../src/transport/window_budget.ts";
import { RawClient } from "./raw_client.ts";

export const TOOLS = {
  clock: systemClock,
  deadlines: new Deadlines(systemClock),
  fillRandom: (bytes: Uint8Array): void => void bytes.fill(0),
  decodeAscii: undefined,
  deflate: { codec: zlibCodec, windows: new WindowBudget() },
};

export const OPTIONS: ListenOptions = {
  target: 0,
  hostname: "127.0.0.1",
  timeoutMs: 10_000,
  server: undefined,
  maxUriLength: 4_096,
  maxHeaderSize: 8_192,
  maxEntityBodySize: Infinity,
  claims: () => true,
  compression: undefined,
  largestMessage: () => 16_777_216,
  onError: (error) => {
    throw error;
  },
};

/** An echo frame that `echo` answers: "hi", masked with zeros; and its answer. */
export const HI = "\x82\x82\0\0\0\0hi";
export const HI_BACK = "\x82\x02hi";

/** Has `close` called when the test is over, the last one first. To be called inside of a test. */
export function whenOver(close: () => unknown): void {
  // An `afterEach` of this module would be one of the first file's that imports it, and of no other's.
  onTestFinished(async () => void await close());
}

/** Starts a host. Its upgrades are echoed, unless `onUpgrade` decides otherwise. */
export async function host(options: Partial<ListenOptions> = {}, onUpgrade?: UpgradeHandler): Promise<Listening> {
  const listening = await httpHost(TOOLS)(
    { ...OPTIONS, ...options },
    onUpgrade ?? (async (upgrade) => {
      await echo(upgrade);
    }),
  );
  whenOver(() => listening.stop());
  return listening;
}

/** A client of the port, gone when the test is over. */
export async function client(port: number, authority?: string): Promise<RawClient> {
  const raw = await RawClient.connect(port, authority);
  whenOver(() => raw.socket.destroy());
  return raw;
}

/** Binds a server of the test's own to a free port. */
export async function bind(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** Takes the upgrade and sends back what comes. */
export async function echo(upgrade: Upgrade): Promise<MessageSocket> {
  const socket = await upgrade.accept({ limits: DEFAULT_LIMITS, keepAliveMs: Infinity });
  whenOver(() => socket.destroy());
  socket.start(echoSink(socket));
  return socket;
}

function echoSink(socket: MessageSocket): MessageSink {
  return {
    message: (message) => void socket.send(message),
    ping() {},
    pong() {},
    drained() {},
    closed() {},
  };
}

/** A promise and who settles it. */
export function deferred<Value = void>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve = (_: Value): void => {};
  const promise = new Promise<Value>((settle) => resolve = settle);
  return { promise, resolve };
}
