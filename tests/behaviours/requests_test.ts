/** The client's half of row D5 of the acceptance table: requests whose replies come back by their id. */

import { describe, expect, it } from "vitest";
import {
  type Caller,
  Client,
  type ClientConfiguration,
  ConnectionClosureError,
  PayloadBindingError,
  ReadTimedOutError,
  RequestError,
  type Service,
  type StandardSchema,
} from "../../mod.ts";
import { deferred, failure, onSockets } from "../support/on_sockets.ts";

const { listen, connect, clientAndServer } = onSockets();

const WORDS = {
  dispatcherStreamId: "id",
  dispatcherKey: "type",
  dispatcherComplete: "complete",
  dispatcherCancel: "cancel",
  dispatcherError: "error",
} as const satisfies ClientConfiguration;

interface Asked {
  readonly id: string;
  readonly type: string;
  readonly n: number;
}

/** Takes replies whose `n` is a number. */
const Numbered: StandardSchema<{ n: number }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof (value as { n: unknown }).n === "number"
        ? { value: { n: (value as { n: number }).n } }
        : { issues: [{ message: "Not a number", path: ["n"] }] },
  },
};

/**
 * A service that correlates by hand: `answer` says what is sent for a request, each with the request's id, and what is
 * under way does not hold up what comes next. A message of the type `cancel` leaves the stream of its id.
 */
function correlating(answer: (asked: Asked, caller: Caller) => unknown): Service {
  const streams = new Map<string, AsyncGenerator<object>>();
  const send = async (caller: Caller, asked: Asked): Promise<void> => {
    const { id } = asked;
    const answered = await answer(asked, caller);
    if (!isGenerator(answered)) {
      if (answered !== undefined) await caller.writeMessage({ ...answered as object, id });
      return;
    }
    streams.set(id, answered);
    for await (const element of answered) await caller.writeMessage({ ...element, id });
    if (streams.delete(id)) await caller.writeMessage({ type: "complete", id });
  };
  return {
    onTextMessage(caller, text) {
      const asked = JSON.parse(text) as Asked;
      if (asked.type !== "cancel") {
        // Who has left gets no answer.
        send(caller, asked).catch(() => {});
        return;
      }
      const stream = streams.get(asked.id);
      streams.delete(asked.id);
      void stream?.return(undefined);
    },
    onError() {},
  };
}

function isGenerator(value: unknown): value is AsyncGenerator<object> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe("requests", () => {
  it("D5: client requests are answered in any order, each to its caller, beside the ordinary reader", async () => {
    const waiting: (() => void)[] = [];
    const { url } = await listen({
      ...correlating(({ n }) =>
        new Promise((resolve) => {
          waiting.push(() => resolve({ n: n * 2 }));
          if (waiting.length === 200) { for (const go of waiting.reverse()) go(); }
        })
      ),
      onOpen: () => "ordinary",
    });
    const client = await connect(url, WORDS);
    const replies = Array.from({ length: 200 }, (_, n) => client.request({ type: "double", n }, Numbered));
    expect(await client.readTextMessage()).toBe("ordinary");
    expect((await Promise.all(replies)).map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n * 2));
  });

  it("D5: client requests fail alone: an error of the server, a reply that does not fit, a timeout, a signal", async () => {
    const { url } = await listen(correlating(({ type }) => {
      if (type === "fails") return { type: "error", why: "No such thing" };
      return type === "misfits" ? { n: "one" } : type === "silent" ? undefined : { n: 1 };
    }));
    const client = await connect(url, WORDS);
    const controller = new AbortController();
    const others = [
      failure(client.request({ type: "fails" })),
      failure(client.request({ type: "misfits" }, Numbered)),
      failure(client.request({ type: "silent" }, Numbered, { timeout: 0.05 })),
      failure(client.request({ type: "silent" }, Numbered, { signal: controller.signal })),
    ];
    expect(await client.request({ type: "fine" }, Numbered)).toEqual({ n: 1 });
    controller.abort("enough");
    const [failed, misfit, late, aborted] = await Promise.all(others);
    expect(failed).toBeInstanceOf(RequestError);
    expect((failed as RequestError).reply).toMatchObject({ why: "No such thing" });
    expect(misfit).toBeInstanceOf(PayloadBindingError);
    expect(late).toBeInstanceOf(ReadTimedOutError);
    expect(aborted).toBe("enough");
    expect(await client.request({ type: "fine" }, Numbered)).toEqual({ n: 1 });
  });

  it("D5: client requests and streams reject when the connection is lost, all of them", async () => {
    const { url } = await listen(correlating(({ type }, caller) => type === "cut" ? caller.terminate() : undefined));
    const client = await connect(url, WORDS);
    const pending = [
      ...Array.from({ length: 50 }, () => client.request({ type: "silent" })),
      ...Array.from({ length: 50 }, () => client.requestStream({ type: "silent" }).next()),
      client.request({ type: "cut" }),
    ].map(failure);
    for (const error of await Promise.all(pending)) expect(error).toBeInstanceOf(ConnectionClosureError);
    await client.closed;
    expect(await failure(client.request({ type: "late" }))).toBeInstanceOf(ConnectionClosureError);
  });

  it("D5: client requests need dispatcherStreamId, and say so at once", async () => {
    const { url } = await listen();
    const client = await connect(url);
    expect(() => client.request({})).toThrow(
      new TypeError(
        'Cannot send a request: the option "dispatcherStreamId" is not set',
      ),
    );
    expect(() => client.requestStream({})).toThrow(TypeError);
    expect(() => new Client(url, { dispatcherCancel: "cancel" })).toThrow('it needs "dispatcherKey"');
  });
});

describe("streams of replies", () => {
  it("D5: client streams side by side have their own elements, in order, and end by themselves", async () => {
    const { url } = await listen(correlating(async function* ({ n }) {
      for (let i = 0; i < 100; i++) {
        await turn();
        yield { n: n + i };
      }
    }));
    const client = await connect(url, WORDS);
    const sums = await Promise.all([1_000, 2_000, 3_000].map(async (n) => {
      let sum = 0;
      for await (const element of client.requestStream({ type: "count", n }, Numbered)) {
        expect(element.n).toBe(n + sum++);
      }
      return sum;
    }));
    expect(sums).toEqual([100, 100, 100]);
  });

  it("D5: client streams of 10 000 elements go at the pace of a slow reader, and nothing is lost", async () => {
    const total = 10_000;
    const padding = "x".repeat(4_000);
    let sent = 0;
    const { url } = await listen(correlating(async function* () {
      for (; sent < total; sent++) yield { n: sent, padding };
    }));
    // Compressed it would all fit into what the system keeps.
    const client = await connect(url, { ...WORDS, readAhead: { messages: 16 }, webSocketCompressionEnabled: false });
    let read = 0;
    for await (const { n } of client.requestStream({ type: "count" }, Numbered)) {
      expect(n).toBe(read++);
      if (read > 1) continue;
      // Until the server stands still: what is under way is 16 elements here, and what the system keeps of 40 MB.
      for (let seen = -1; seen !== sent;) {
        seen = sent;
        for (let i = 0; i < 20; i++) await turn();
      }
      expect(sent).toBeLessThan(total);
    }
    expect(read).toBe(total);
  });

  it("D5: client streams that nobody reads hold the server back, and leaving one lets it go on", async () => {
    const { client, peer } = await clientAndServer({ ...WORDS, readAhead: { messages: 4 } });
    const replies = client.requestStream({ type: "much" });
    const other = client.request({ type: "one" });
    for (const _ of [1, 2]) await peer.next();
    const element = peer.encode({ opcode: 1, payload: JSON.stringify({ id: "1", padding: "x".repeat(100_000) }) });
    for (let i = 0; i < 3_000 && peer.socket.writableLength < 4_000_000; i++) {
      peer.socket.write(element);
      await turn();
    }
    expect(peer.socket.writableLength).toBeGreaterThan(4_000_000);
    // It waits behind what nobody reads.
    void peer.text('{"id":"2"}');
    await replies.return();
    expect(await peer.next()).toMatchObject({ text: '{"type":"cancel","id":"1"}' });
    expect(await other).toEqual({ id: "2" });
  });

  it.each(["break", "return", "abort", "timeout"])(
    "D5: client streams that end with %s here end at the server's generator too, and others go on",
    async (how) => {
      const [left, goOn] = [deferred(), deferred()];
      const { url } = await listen(correlating(async function* ({ type }) {
        try {
          for (let n = 0;; n++) {
            yield { n };
            if (type === "stalls") await goOn.promise;
            await turn();
          }
        } finally {
          left.resolve();
        }
      }));
      const client = await connect(url, WORDS);
      const controller = new AbortController();
      const options = { signal: controller.signal, timeout: how === "timeout" ? 0.05 : 10 };
      const type = how === "timeout" ? "stalls" : "runs";
      const replies = client.requestStream({ type }, Numbered, options);
      expect(await replies.next()).toEqual({ value: { n: 0 }, done: false });
      if (how === "break") { for await (const { n } of replies) if (n === 100) break; }
      if (how === "return") await replies.return();
      if (how === "abort") {
        controller.abort("enough");
        expect(await failure(replies.next())).toBe("enough");
      }
      if (how === "timeout") {
        expect(await failure(replies.next())).toBeInstanceOf(ReadTimedOutError);
        goOn.resolve();
      }
      await left.promise;
      expect(await replies.next()).toEqual({ value: undefined, done: true });
      for await (const { n } of client.requestStream({ type: "runs" }, Numbered)) if (n === 3) break;
    },
  );
});
