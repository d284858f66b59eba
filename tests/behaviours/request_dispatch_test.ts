/** Row D5 of the acceptance table, both halves together: a client's requests, and a service that dispatches them. */

import { expect, it } from "vitest";
import * as z from "zod";
import {
  bind,
  type Caller,
  type Client,
  type ClientConfiguration,
  closeFrame,
  ConnectionClosureError,
  type Listener,
  type MessageContext,
  type PayloadBindingError,
  RequestError,
  type Service,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { deferred, failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";

const { listen, connect } = onSockets();

const WORDS = {
  dispatcherKey: "event",
  dispatcherStreamId: "id",
  dispatcherComplete: "complete",
  dispatcherCancel: "cancel",
} as const satisfies UpgradeServiceOptions & ClientConfiguration;

const Counted = z.object({ n: z.number() });

interface Asked {
  readonly n: number;
}

/** A client that speaks the same words as the service that it is connected to. */
async function serve(
  service: object,
  config: ClientConfiguration = {},
  options: UpgradeServiceOptions = {},
): Promise<Client> {
  const { url } = await listen(service as Service, { ...WORDS, ...options });
  return await connect(url, { ...WORDS, dispatcherError: "error", ...config });
}

/** As `serve`, with a service of its own for each connection, which gets its number, from 1 on. */
async function serveEach(make: (connection: number) => object, config: ClientConfiguration): Promise<Client> {
  let connections = 0;
  const listener: Listener = await listen({}, {}, { host: LOOPBACK });
  listener.attach("/each", { ...WORDS, get: () => make(++connections) as Service });
  return await connect(`${listener.url}/each`, { ...WORDS, dispatcherError: "error", ...config });
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function* count({ n }: Asked): AsyncGenerator<Asked> {
  for (let i = 1; i <= n; i++) {
    await turn();
    yield { n: i };
  }
}

it("D5: requests side by side are answered out of order, each to its caller, beside streams and the reader", async () => {
  const waiting: (() => void)[] = [];
  const client = await serve(
    {
      onOpen: () => "ordinary",
      onDouble: (_caller: Caller, { n }: Asked) =>
        new Promise((resolve) => void waiting.push(() => resolve({ n: n * 2 }))),
      onGo() {
        for (const go of waiting.reverse()) go();
      },
      onCount: (_caller: Caller, asked: Asked) => count(asked),
    },
    {},
    { maxConcurrentRequests: 104 },
  );

  const arrived: number[] = [];
  const sums = [10, 20, 30].map(async (n) => {
    let sum = 0;
    for await (const reply of client.requestStream({ event: "count", n }, Counted)) sum += reply.n;
    return sum;
  });
  const replies = Array.from({ length: 100 }, async (_, n) => {
    const reply = await client.request({ event: "double", n }, Counted);
    arrived.push(n);
    return reply.n;
  });
  await client.writeMessage({ event: "go" });
  expect(await client.readTextMessage()).toBe("ordinary");
  expect(await Promise.all(replies)).toEqual(Array.from({ length: 100 }, (_, n) => n * 2));
  expect(arrived).toEqual(Array.from({ length: 100 }, (_, n) => 99 - n));
  expect(await Promise.all(sums)).toEqual([55, 210, 465]);
});

it("D5: a long stream goes at the pace of its slow reader, whole and in order, and ends by itself", async () => {
  const total = 4_000;
  const padding = "x".repeat(4_000);
  let sent = 0;
  const client = await serve(
    {
      async *onCount() {
        for (; sent < total; sent++) yield { n: sent, padding };
      },
      // Compressed it would all fit into what the system keeps.
    },
    { readAhead: { messages: 16 }, webSocketCompressionEnabled: false },
    { maxBufferedAmount: 65_536 },
  );
  let read = 0;
  for await (const { n } of client.requestStream({ event: "count" }, Counted)) {
    expect(n).toBe(read++);
    if (read > 1) continue;
    // Until the server stands still.
    for (let seen = -1; seen !== sent;) {
      seen = sent;
      for (let i = 0; i < 20; i++) await turn();
    }
    expect(sent).toBeLessThan(total);
  }
  expect(read).toBe(total);
});

it.each(["break", "await using", "abort", "a reply that does not fit"])(
  "D5: a loop that ends by %s cancels the generator on the server, and nothing else",
  async (how) => {
    const left = deferred<string>();
    const aborted = deferred();
    const client = await serve({
      async *onFlood(_caller: Caller, _asked: unknown, { signal, id }: MessageContext) {
        signal.addEventListener("abort", () => aborted.resolve());
        try {
          // Nobody reads so much: it stands still in the middle.
          for (let n = 0;; n++) {
            yield { n: n === 50 && how.startsWith("a reply") ? "fifty" : n, padding: "x".repeat(1_000) };
          }
        } finally {
          left.resolve(`left ${id}`);
        }
      },
      onCount: (_caller: Caller, asked: Asked) => count(asked),
    }, { readAhead: { messages: 8 }, webSocketCompressionEnabled: false });

    const controller = new AbortController();
    const flood = client.requestStream({ event: "flood", id: "f" }, Counted, { signal: controller.signal });
    const first = await flood.next();
    expect(first.value).toEqual({ n: 0 });
    const other = client.requestStream({ event: "count", n: 5 }, Counted);
    if (how === "break") { for await (const { n } of flood) if (n === 100) break; }
    if (how === "await using") {
      await using again = flood;
      await again.next();
    }
    if (how === "abort") {
      controller.abort("enough");
      expect(await failure(flood.next())).toBe("enough");
    }
    if (how.startsWith("a reply")) {
      expect(
        await failure((async () => {
          for await (const _ of flood);
        })()),
      ).toMatchObject({ name: "PayloadBindingError" });
    }
    expect(await left.promise).toBe("left f");
    await aborted.promise;
    expect(await flood.next()).toEqual({ value: undefined, done: true });
    const rest: number[] = [];
    for await (const { n } of other) rest.push(n);
    expect(rest).toEqual([1, 2, 3, 4, 5]);
    expect(client.isOpen()).toBe(true);
  },
);

it("D5: a request takes the one element of a stream, and the stream's end waits for no reader", async () => {
  const client = await serve({ onCount: (_caller: Caller, asked: Asked) => count(asked) }, {
    readAhead: { messages: 4 },
  });
  for (let i = 0; i < 20; i++) expect(await client.request({ event: "count", n: 1 }, Counted)).toEqual({ n: 1 });
});

it("D5: what an error handler returns is the error of the request that failed, and of no other", async () => {
  const Order = z.object({ pieces: z.number().positive() });
  const client = await serve({
    onOrder: bind(Order, (_caller, { pieces }) => ({ n: pieces })),
    onOrderError: (_caller: Caller, { issues }: PayloadBindingError) => ({ event: "error", at: issues[0]?.path }),
    onList: bind(Order, async function* (_caller, { pieces }) {
      yield* count({ n: pieces });
    }),
    onListError: async () => {
      await turn();
      return { event: "error", at: "list" };
    },
  });
  const orders = [1, "2", 3, -4, 5].map((pieces) => client.request({ event: "order", pieces }, Counted));
  const lists = [2, "two"].map((pieces) => client.requestStream({ event: "list", pieces }, Counted));
  const settled = await Promise.allSettled(orders);
  const good = settled.flatMap((each) => each.status === "fulfilled" ? [each.value.n] : []);
  const bad = settled.flatMap((each, i) => each.status === "rejected" ? [{ i, error: each.reason as unknown }] : []);
  expect(good).toEqual([1, 3, 5]);
  expect(bad.map(({ i }) => i)).toEqual([1, 3]);
  for (const { i, error } of bad) {
    expect(error).toBeInstanceOf(RequestError);
    expect((error as RequestError).reply).toEqual({ event: "error", at: ["pieces"], id: String(i + 1) });
  }
  expect(await failure(lists[1]!.next())).toMatchObject({ name: "RequestError", reply: { at: "list" } });
  expect([await lists[0]!.next(), await lists[0]!.next()].map(({ value }) => value)).toEqual([{ n: 1 }, { n: 2 }]);
  expect((await lists[0]!.next()).done).toBe(true);
});

it("D5: a client that reconnects rejects what the lost connection took, and goes on with what waited", async () => {
  const left = deferred();
  let ticked = 0;
  const client = await serveEach((connection) => ({
    onLogin: () => ({ n: connection }),
    onRestart: () => closeFrame(1012, "restart"),
    onWhere: () => ({ n: connection }),
    onSilent: (_caller: Caller, _asked: unknown, { signal }: MessageContext) =>
      new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
    async *onTicks(_caller: Caller, _asked: unknown, { signal }: MessageContext) {
      ticked++;
      const over = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      try {
        yield { n: connection };
        await over;
      } finally {
        left.resolve();
      }
    },
    onCount: (_caller: Caller, asked: Asked) => count(asked),
  }), {
    retryConfig: {
      interval: 0.02,
      jitter: false,
      async onReconnect(again) {
        logins.push((await again.request({ event: "login" }, Counted)).n);
      },
    },
  });
  const logins: number[] = [];

  const ticks = client.requestStream({ event: "ticks" }, Counted);
  expect((await ticks.next()).value).toEqual({ n: 1 });
  const pending = [ticks.next(), client.request({ event: "silent" }), client.request({ event: "restart" })].map(
    failure,
  );
  while (client.isOpen()) await turn();
  // From here on they wait in the outbox.
  const where = client.request({ event: "where" }, Counted);
  const counted = client.requestStream({ event: "count", n: 3 }, Counted);
  const given = client.requestStream({ event: "ticks" });
  await given.return();

  for (const error of await Promise.all(pending)) {
    expect(error).toBeInstanceOf(ConnectionClosureError);
    expect((error as ConnectionClosureError).closure).toMatchObject({ code: 1012, reason: "restart" });
  }
  await left.promise;
  expect(await ticks.next()).toEqual({ value: undefined, done: true });
  expect(await where).toEqual({ n: 2 });
  const seen: number[] = [];
  for await (const { n } of counted) seen.push(n);
  expect([seen, logins]).toEqual([[1, 2, 3], [2]]);
  expect(await client.request({ event: "where" }, Counted)).toEqual({ n: 2 });
  // What was given up in the outbox was never sent.
  expect(ticked).toBe(1);
  // Nothing of it has come to the ordinary readers.
  const ordinary = failure(client.readMessage());
  await client.close();
  expect(await ordinary).toBeInstanceOf(ConnectionClosureError);
});
