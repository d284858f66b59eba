/**
 * What runs inside a page for tests/behaviours/browser_test.ts: each function plays one client and hands out what it
 * saw, as JSON can carry it. It is bundled with the client of the browser entry.
 */

import {
  Client,
  type ClientConfiguration,
  ConnectionClosureError,
  type Message,
  type StandardSchema,
  UnsupportedError,
  WebSocketError,
} from "../../src/adapters/browser/mod.ts";
import { DigestOf, mixed, Sizes } from "./mixed_bytes.ts";

const HERE = location.href.replace("http", "ws");

/** A message, as JSON carries it: bytes as a list of numbers. */
type Told = string | number[];

function told(message: Message): Told {
  return typeof message === "string" ? message : Array.from(message);
}

/** What a test compares of an error. */
function facts(error: unknown): object {
  if (!(error instanceof Error)) return { thrown: String(error) };
  const { name, message } = error;
  const { code } = error as { code?: unknown };
  const known = error instanceof WebSocketError;
  return {
    name,
    message,
    known,
    ...(known && { code }),
    ...(error instanceof UnsupportedError && { feature: error.feature, runtime: error.runtime }),
    ...(error instanceof ConnectionClosureError && { closure: closure(error.closure) }),
  };
}

function closure({ code, reason, clean, first, error }: Awaited<Client["closed"]>): object {
  return { code, reason, clean, first: first ?? null, error: error?.name ?? null };
}

async function failure(action: () => unknown): Promise<object> {
  try {
    await action();
  } catch (error) {
    return facts(error);
  }
  return { nothing: "was thrown" };
}

/** Reads with `for await` to the end, which may be an error. */
async function readAll(url = HERE): Promise<object> {
  const client = await Client.connect(url);
  const messages: Told[] = [];
  let ended: object = { name: "none" };
  try {
    for await (const message of client) messages.push(told(message));
  } catch (error) {
    ended = facts(error);
  }
  return { messages, ended, closed: closure(await client.closed) };
}

/** Leaves the loop after `count` messages. */
async function leaveAfter(count: number): Promise<object> {
  const client = await Client.connect(HERE);
  const messages: Told[] = [];
  for await (const message of client) {
    if (messages.push(told(message)) === count) break;
  }
  return { messages, closed: closure(await client.closed), isOpen: client.isOpen() };
}

/** Sends each kind of message, and reads what comes back with the read methods. */
async function methods(): Promise<object> {
  const client = await Client.connect(HERE, { subProtocols: ["v1", "v2"] });
  const schema: StandardSchema<{ count: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        const { count } = value as { count: unknown };
        return typeof count === "number"
          ? { value: { count } }
          : { issues: [{ message: "no number", path: ["count"] }] };
      },
    },
  };
  const buffer = Uint8Array.of(1, 2, 3, 4);
  await client.writeTextMessage("Grüße, 世界 👋");
  await client.writeBinaryMessage(buffer.subarray(1, 3));
  buffer.fill(9);
  await client.writeBinaryMessage(Uint8Array.of(7).buffer);
  await client.writeMessage({ count: 1 });
  await client.writeMessage({ count: "two" });
  await client.writeMessage("");
  const protocol = client.getNegotiatedSubProtocol();
  const text = await client.readTextMessage();
  const wrongKind = await failure(() => client.readTextMessage());
  const bytes = [told(await client.readBinaryMessage()), told(await client.readMessage())];
  const checked = await client.readMessage(schema);
  const refused = await failure(() => client.readMessage(schema));
  const empty = await client.readMessage();
  const id = client.getConnectionId();
  return { protocol, text, wrongKind, bytes, checked, refused, empty, id, closed: closure(await client.close()) };
}

/** Pipes all that comes through a transformation and back: the page is a server's echo, inside out. */
async function pipeBack(): Promise<object> {
  // A page cannot hold its peer back: what comes faster than it is piped waits in here.
  const client = await Client.connect(HERE, { readAhead: { messages: 65_536, bytes: 16_777_216 } });
  const invert = new TransformStream<Message, Message>({
    transform(message, controller) {
      controller.enqueue(typeof message === "string" ? message.toUpperCase() : message.map((byte) => byte ^ 0xff));
    },
  });
  // The end comes from the server, and ends both of the streams, whichever of them hears of it first.
  await client.readable.pipeThrough(invert).pipeTo(client.writable).catch(() => {});
  return closure(await client.closed);
}

/** Pipes a source of `size` bytes into the connection and what comes back into a digest, at the same time. */
async function pipeOut(size: number, seed: number): Promise<object> {
  const client = await Client.connect(HERE, { readAhead: { messages: 65_536, bytes: 16_777_216 } });
  const sizes = new Sizes(seed);
  const sent = new DigestOf();
  const came = new DigestOf();
  let at = 0;
  const source = new ReadableStream<Message>({
    pull(controller) {
      if (at === size) return controller.close();
      const chunk = mixed(at, Math.min(sizes.next(), size - at));
      at += chunk.length;
      sent.add(chunk);
      controller.enqueue(chunk);
    },
  });
  const sending = source.pipeTo(client.writable, { preventClose: true });
  let left = size;
  const reader = client.readable.getReader();
  while (left > 0) {
    const { value } = await reader.read();
    came.add(value as Uint8Array);
    left -= value!.length;
  }
  await sending;
  await reader.cancel({ closeCode: 4002, reason: "all is here" });
  return { sent: sent.hex(), came: came.hex(), closed: closure(await client.closed) };
}

/** Waits in vain for a message, and then reads the one that comes. */
async function waitInVain(): Promise<object> {
  const client = await Client.connect(HERE, { readTimeout: 0.05 });
  const method = await failure(() => client.readMessage());
  const loop = await failure(async () => {
    for await (const message of client) throw new Error(`Nobody sent ${message}`);
  });
  await client.writeMessage("now");
  const isOpen = client.isOpen();
  // It may take longer than that to come back.
  let message: Message | undefined;
  for (let tries = 0; message === undefined && tries < 100; tries++) {
    message = await client.readMessage().catch(() => undefined);
  }
  return { method, loop, isOpen, message, closed: closure(await client.close()) };
}

async function closeWith(code: number, reason: string): Promise<object> {
  const client = await Client.connect(HERE);
  return closure(await client.close(code, reason));
}

async function untilClosed(): Promise<object> {
  const client = await Client.connect(HERE);
  return closure(await client.closed);
}

/** Reads to the end over several connections, and writes something while there is none. */
async function reconnect(url: string): Promise<object> {
  const lost: object[] = [];
  const messages: Told[] = [];
  const client = new Client(url, {
    retryConfig: {
      interval: 0.02,
      jitter: false,
      onReconnect(client, info) {
        lost.push({ attempt: info.attempt, closure: closure(info.closure), uncertain: info.uncertain });
        void client.writeTextMessage("subscribe");
      },
    },
  });
  await client.writeTextMessage("hello");
  for await (const message of client) {
    messages.push(told(message));
    while (message === "about to die" && client.isOpen()) await pass(5);
    if (message === "about to die") await client.writeTextMessage("waited");
  }
  return { messages, lost, closed: closure(await client.closed) };
}

/** What connecting rejects with. */
function connectTo(url: string, config?: ClientConfiguration): Promise<object> {
  return failure(() => Client.connect(url, config));
}

/** Everything that a page cannot have, by what is asked for. */
async function refusals(): Promise<Record<string, object>> {
  const options: Record<string, ClientConfiguration> = {
    customHeaders: { customHeaders: { authorization: "a" } },
    origin: { origin: "https://example.com" },
    pingPongHandler: { pingPongHandler: {} },
    pingInterval: { pingInterval: 1 },
    pongTimeout: { pongTimeout: 1 },
    maxPendingPongs: { maxPendingPongs: 1 },
    maxControlFramesPerSecond: { maxControlFramesPerSecond: 1 },
    maxFrameSize: { maxFrameSize: 4 },
    maxFragments: { maxFragments: 1 },
    messageTimeout: { messageTimeout: 1 },
    maxInflatedBytesPerSecond: { maxInflatedBytesPerSecond: 1 },
    webSocketCompressionEnabled: { webSocketCompressionEnabled: false },
  };
  const said: Record<string, object> = {};
  for (const [name, config] of Object.entries(options)) said[name] = await failure(() => new Client(HERE, config));
  said["ws+unix:"] = await failure(() => new Client("ws+unix:/run/a.sock:/"));
  const client = await Client.connect(HERE);
  said["ping"] = await failure(() => client.ping());
  said["pong"] = await failure(() => client.pong());
  said["response"] = await failure(() => client.getHttpResponse());
  said["compress"] = await failure(() => client.writeTextMessage("a", { compress: false }));
  said["close code"] = await failure(() => client.close(1011));
  await client.close();
  return said;
}

/** Reads nothing, until the connection ends; then what is left. */
async function readNothing(config: ClientConfiguration): Promise<object> {
  const client = await Client.connect(HERE, config);
  const closed = closure(await client.closed);
  const messages: Told[] = [];
  const ended = await failure(async () => {
    for await (const message of client) messages.push(told(message));
  });
  return { closed, messages, ended };
}

/** Aborts while it connects, or `later`, when it is open. */
async function abort(later: boolean): Promise<object> {
  const controller = new AbortController();
  const client = new Client(HERE, { signal: controller.signal });
  if (later) await client.opened;
  controller.abort(new Error("The page has enough"));
  const opened = later ? { name: "none" } : await failure(() => client.opened);
  return { opened, closed: closure(await client.closed), isOpen: client.isOpen() };
}

/** Writes 64 KiB again and again, to a server that reads nothing, until a write has to wait. */
class SlowWriting {
  readonly #client: Client;
  #written = 0;
  #waiting: Promise<void> | undefined;

  static async start(url: string): Promise<SlowWriting> {
    return new SlowWriting(await Client.connect(url));
  }

  private constructor(client: Client) {
    this.#client = client;
  }

  /** How much was written when a write had to wait, and nothing more left. */
  async fill(): Promise<object> {
    const chunk = new Uint8Array(65_536);
    while (this.#waiting === undefined) {
      this.#written += chunk.length;
      const write = this.#client.writeBinaryMessage(chunk);
      let ready = false;
      write.then(() => ready = true);
      // The operating system takes some first, and the write goes on by itself.
      for (let before = Infinity; !ready && this.#waiting === undefined;) {
        await Promise.race([write, pass(100)]);
        if (!ready && this.#client.bufferedAmount === before) this.#waiting = write;
        before = this.#client.bufferedAmount;
      }
    }
    return { written: this.#written, bufferedAmount: this.#client.bufferedAmount };
  }

  /** Waits until there is room again. */
  async drain(): Promise<object> {
    await this.#waiting;
    const bufferedAmount = this.#client.bufferedAmount;
    await this.#client.writeTextMessage("the last one");
    return { bufferedAmount, isOpen: this.#client.isOpen() };
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What the test calls, by name. */
const scenarios = {
  readAll,
  leaveAfter,
  methods,
  pipeBack,
  pipeOut,
  waitInVain,
  closeWith,
  untilClosed,
  connectTo,
  reconnect,
  refusals,
  readNothing,
  abort,
  SlowWriting,
};
export type Scenarios = typeof scenarios;

Object.assign(globalThis, { scenarios });
