/** The public face on real sockets of this machine, and peers for it; everything is closed behind each test. */

import { createHash } from "node:crypto";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect } from "vitest";
import {
  Client,
  type ClientConfiguration,
  Listener,
  type ListenerConfiguration,
  type Service,
  UnsupportedError,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { FramePeer } from "./frame_peer.ts";
import { IS_NATIVE } from "./host.ts";
import { RawClient, statusOf, upgradeRequest } from "./raw_client.ts";

/** The address of a test's listener, on the kind of host that this run is about. */
export const LOOPBACK: NonNullable<ListenerConfiguration["host"]> = IS_NATIVE ? { native: "127.0.0.1" } : "127.0.0.1";

/** A service that sends back what it gets, and keeps its failures to itself. */
export const ECHO: Service = { onMessage: (_caller, message) => message, onError() {} };

export interface Sockets {
  /** Has `close` called when the test is over. */
  whenOver(close: () => unknown): void;
  /** A started listener on a free port, with `service` at "/". */
  listen(service?: Service, options?: UpgradeServiceOptions, config?: ListenerConfiguration): Promise<Listener>;
  /** A client of ours, connected. */
  connect(url: string, config?: ClientConfiguration): Promise<Client>;
  /** A TCP connection to a port. */
  dial(port: number): Promise<RawClient>;
  /** A TCP connection that has been upgraded, and speaks frames as a client does. */
  upgraded(port: number, target?: string, changes?: Record<string, string | undefined>): Promise<FramePeer>;
  /** The status of the answer to an upgrade request, and the whole answer. */
  answerTo(port: number, request: string): Promise<{ status: number; answer: string }>;
  /** A server that is played by `act`, one call a connection. `act` gets the request and answers it itself. */
  server(act: (peer: FramePeer, request: string) => unknown): Promise<string>;
  /** A client of ours, and the server's end of its connection, upgraded with `headers` more. */
  clientAndServer(config?: ClientConfiguration, headers?: string): Promise<{ client: Client; peer: FramePeer }>;
}

/** Asserts that the host cannot serve `service`, because of what is called `feature`, and says so. */
export async function expectRefused(service: Service, feature: string): Promise<void> {
  const errors: unknown[] = [];
  const listener = new Listener(0, { host: LOOPBACK, onError: (error) => errors.push(error) });
  try {
    listener.attach("/", { get: () => service });
    await listener.start();
    expect(await failure(Client.connect(listener.url))).toMatchObject({ name: "InvalidHandshakeError", status: 500 });
    expectUnsupported(errors[0], feature);
  } finally {
    await listener.immediateStop();
  }
}

/** Asserts that the host cannot hold a route to the only one of `options`, and says so. */
export async function expectOptionRefused(options: UpgradeServiceOptions): Promise<void> {
  const listener = new Listener(0, { host: LOOPBACK });
  try {
    await listener.start();
    const refused = await failure(() => listener.attach("/", { ...options, get: () => ECHO }));
    expectUnsupported(refused, Object.keys(options)[0]!);
  } finally {
    await listener.immediateStop();
  }
}

/** Asserts that `error` is about what is called `feature`, which the host cannot do. */
export function expectUnsupported(error: unknown, feature: string): void {
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(error).toMatchObject({ feature, message: expect.stringContaining(`"${feature}"`) });
}

/** To be called once at the top of a test file. */
export function onSockets(): Sockets {
  const opened: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });
  const whenOver = (close: () => unknown): void => void opened.push(close);

  const listen: Sockets["listen"] = async (service = ECHO, options = {}, config = {}) => {
    const listener = new Listener(0, { host: LOOPBACK, ...config });
    whenOver(() => listener.immediateStop());
    listener.attach("/", { ...options, get: () => service });
    await listener.start();
    return listener;
  };

  const connect: Sockets["connect"] = (url, config) => {
    const client = new Client(url, config);
    whenOver(() => client.terminate());
    return client.opened.then(() => client);
  };

  const dial: Sockets["dial"] = async (port) => {
    const raw = await RawClient.connect(port);
    whenOver(() => raw.socket.destroy());
    return raw;
  };

  const upgraded: Sockets["upgraded"] = async (port, target, changes) => {
    const raw = await dial(port);
    await raw.write(upgradeRequest(target, changes));
    const head = await raw.head();
    if (statusOf(head) !== 101) throw new Error(`No upgrade: ${head}`);
    return new FramePeer(raw, "client");
  };

  const answerTo: Sockets["answerTo"] = async (port, request) => {
    const raw = await dial(port);
    await raw.write(request);
    // The engine hangs up behind a refusal, and has to; a runtime's own server waits for the next request.
    const answer = IS_NATIVE ? await raw.answer() : await raw.rest();
    return { status: statusOf(answer), answer };
  };

  const server: Sockets["server"] = async (act) => {
    const tcp = createServer({ allowHalfOpen: true }, async (socket) => {
      whenOver(() => socket.destroy());
      const raw = new RawClient(socket);
      let request: string;
      try {
        request = await raw.head();
      } catch {
        return; // It has left without a word.
      }
      await act(new FramePeer(raw, "server"), request);
    });
    tcp.listen(0, "127.0.0.1");
    whenOver(() => tcp.close());
    await new Promise((resolve) => tcp.once("listening", resolve));
    return `ws://127.0.0.1:${(tcp.address() as AddressInfo).port}/`;
  };

  const clientAndServer: Sockets["clientAndServer"] = async (config, headers) => {
    const { promise, resolve } = deferred<FramePeer>();
    const url = await server(async (peer, request) => {
      await peer.raw.write(switching(request, headers));
      resolve(peer);
    });
    return { client: await connect(url, config), peer: await promise };
  };

  return { whenOver, listen, connect, dial, upgraded, answerTo, server, clientAndServer };
}

/** The 101 that `request` wants to hear, `headers` added. */
export function switching(request: string, headers = ""): string {
  const key = /^sec-websocket-key: (\S+)/im.exec(request)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  return `${head}Sec-WebSocket-Accept: ${accept}\r\n${headers}\r\n`;
}

/** A promise and who settles it. */
export function deferred<Value = void>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve = (_: Value): void => {};
  const promise = new Promise<Value>((settle) => resolve = settle);
  return { promise, resolve };
}

/** What `action` throws, or rejects with. */
export async function failure(action: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof action === "function" ? action() : action);
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}

/** Waits for what only the other end's turns can bring about. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
