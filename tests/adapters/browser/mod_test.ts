import { describe, expect, it } from "vitest";
import { Client, type ClientConfiguration } from "../../../src/adapters/browser/mod.ts";
import {
  ConnectionClosureError,
  ConnectionError,
  InvalidHandshakeError,
  UnsupportedError,
} from "../../../src/errors.ts";
import type { FakePlatformSocket } from "../../support/fake_platform_socket.ts";
import { fakeWebSocket, withGlobal } from "../../support/fake_web_socket.ts";

interface Page {
  readonly client: Client;
  readonly platform: FakePlatformSocket;
}

/** Runs `run` with a client whose `WebSocket` is a fake one, not open yet. */
function connecting(run: (page: Page) => Promise<void>, config?: ClientConfiguration): () => Promise<void> {
  return () => {
    const { WebSocket, sockets } = fakeWebSocket();
    return withGlobal("WebSocket", WebSocket, async () => {
      const client = new Client("wss://example.com/", config);
      await run({ client, platform: sockets[0]! });
    });
  };
}

/** The same, and it is open. */
function open(run: (page: Page) => Promise<void>, config?: ClientConfiguration): () => Promise<void> {
  return connecting(async (page) => {
    page.platform.open();
    await page.client.opened;
    await run(page);
  }, config);
}

/** What `action` throws, or rejects with. */
async function failure(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function expectUnsupported(action: () => unknown, feature: string): Promise<void> {
  const error = await failure(action);
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(error).toMatchObject({ code: "ERR_UNSUPPORTED", feature, runtime: "browser" });
}

describe("a client in a page (C13)", () => {
  it(
    "connects, reads with for await, writes, and ends",
    connecting(async ({ client, platform }) => {
      expect([client.isOpen(), client.isSecure(), client.url]).toEqual([false, true, "wss://example.com/"]);
      platform.open();
      await client.opened;
      expect([client.isOpen(), client.latency, client.getNegotiatedSubProtocol()]).toEqual([
        true,
        undefined,
        undefined,
      ]);
      await client.writeMessage({ a: 1 });
      await client.writeBinaryMessage(Uint8Array.of(1, 2));
      platform.receive("hello");
      platform.receive(Uint8Array.of(3));
      platform.end(1001, "bye");
      const messages: unknown[] = [];
      for await (const message of client) messages.push(message);
      expect(messages).toEqual(["hello", Uint8Array.of(3)]);
      expect(platform.calls).toEqual(['send {"a":1}', "send 01 02"]);
      expect(await client.closed).toMatchObject({ code: 1001, reason: "bye", clean: true, first: "remote" });
      expect(client.getConnectionId()).toMatch(/^[0-9a-f]{32}$/);
    }),
  );

  it("connects with `connect`, which rejects as the constructor throws", () => {
    const { WebSocket, sockets } = fakeWebSocket();
    return withGlobal("WebSocket", WebSocket, async () => {
      const connected = Client.connect("ws://example.com/", { subProtocols: ["a"] });
      sockets[0]!.protocol = "a";
      sockets[0]!.open();
      const client = await connected;
      expect(client).toBeInstanceOf(Client);
      expect(client.getNegotiatedSubProtocol()).toBe("a");
      await expect(Client.connect("nowhere")).rejects.toThrow(TypeError);
      await expectUnsupported(() => Client.connect("ws://a/", { origin: "https://a" }), "origin");
    });
  });

  it(
    "closes when nobody reads what comes: read-ahead is all there is",
    open(async ({ client, platform }) => {
      for (const text of ["a", "b", "c"]) platform.receive(text);
      expect(platform.calls).toEqual(["close 4008 read-ahead exceeded"]);
      platform.end(4008, "read-ahead exceeded");
      expect(await client.closed).toMatchObject({ code: 4008, first: "local", sent: { code: 4008 } });
      expect([await client.readTextMessage(), await client.readTextMessage()]).toEqual(["a", "b"]);
      await expect(client.readMessage()).rejects.toThrow(ConnectionClosureError);
    }, { readAhead: { messages: 2 } }),
  );

  it(
    "closes with its own codes, and refuses those that a page may not send before anything is sent",
    open(async ({ client, platform }) => {
      for (const code of [1001, 1002, 1003, 1007, 1008, 1011, 1014]) {
        await expectUnsupported(() => client.close(code), "close code");
      }
      expect(() => client.close(1005)).toThrow(RangeError);
      expect([client.isOpen(), platform.calls]).toEqual([true, []]);
      const closed = client.close(4999, "done");
      expect(platform.calls).toEqual(["close 4999 done"]);
      platform.end(4999, "done");
      expect(await closed).toMatchObject({ code: 4999, clean: true, first: "local" });
    }),
  );

  it(
    "refuses pings, pongs, the server's answer and a choice of compression",
    open(async ({ client, platform }) => {
      await expectUnsupported(() => client.ping(), "ping");
      await expectUnsupported(() => client.pong(), "pong");
      await expectUnsupported(() => client.getHttpResponse(), "response");
      const options = { compress: false };
      await expectUnsupported(() => client.writeTextMessage("a", options), "compress");
      await expectUnsupported(() => client.writeBinaryMessage(new Uint8Array(1), options), "compress");
      await expectUnsupported(() => client.writeMessage("a", options), "compress");
      await expectUnsupported(() => client.writeMessage(new ReadableStream()), "streamed message");
      await expectUnsupported(() => client.readMessageStream(), "streamed message");
      expect([client.isOpen(), platform.calls]).toEqual([true, []]);
    }),
  );

  it(
    "tells of nothing before it is open",
    connecting(async ({ client, platform }) => {
      expect(client.getHttpResponse()).toBe(undefined);
      await expect(client.readMessage()).rejects.toThrow("not open yet");
      expect(() => client.ping()).toThrow("not open yet");
      expect(platform.calls).toEqual([]);
      client.terminate();
      expect(platform.calls).toEqual(["close"]);
      await expect(client.opened).rejects.toThrow(ConnectionError);
    }),
  );

  it(
    "gives up connecting when it is closed, and leaves nothing open",
    connecting(async ({ client, platform }) => {
      const closure = await client.close();
      expect(closure).toMatchObject({ code: 1006, clean: false });
      expect([platform.calls, platform.onopen]).toEqual([["close"], null]);
      await expect(client.opened).rejects.toThrow("closed before the connection was open");
    }),
  );

  it(
    "gives up at the signal, also when that comes between the opening and whoever waits for it",
    () => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const run = connecting(async ({ client, platform }) => {
        platform.open();
        controller.abort(reason);
        await expect(client.opened).rejects.toBe(reason);
        expect(platform.calls).toEqual(["close"]);
        expect((await client.closed).error?.cause).toBe(reason);
      }, { signal: controller.signal });
      return run();
    },
  );

  it(
    "cuts the connection at the signal later, as far as a page can",
    () => {
      const controller = new AbortController();
      const run = open(async ({ client, platform }) => {
        controller.abort(new Error("enough"));
        expect(platform.calls).toEqual(["close"]);
        platform.receive("late");
        const closure = await client.closed;
        expect(closure).toMatchObject({ code: 1006, clean: false });
        expect(closure.error).toBeInstanceOf(ConnectionError);
      }, { signal: controller.signal });
      return run();
    },
  );

  it("is refused an aborted signal before anything is opened", () => {
    const { WebSocket, sockets } = fakeWebSocket();
    return withGlobal("WebSocket", WebSocket, async () => {
      const reason = new Error("never");
      await expect(Client.connect("ws://a/", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(sockets).toEqual([]);
    });
  });

  it(
    "tells of a connection that could not be opened",
    connecting(async ({ client, platform }) => {
      platform.end(1006, "", false);
      await expect(client.opened).rejects.toThrow(ConnectionError);
      expect(await client.closed).toMatchObject({ code: 1006, clean: false });
      await expect(client.writeTextMessage("a")).rejects.toThrow(ConnectionClosureError);
    }),
  );

  it(
    "tells of a sub-protocol that was not chosen",
    connecting(async ({ client, platform }) => {
      platform.open();
      await expect(client.opened).rejects.toThrow(InvalidHandshakeError);
      expect(platform.calls).toEqual(["close"]);
    }, { subProtocols: "a" }),
  );

  it("tells where there is no WebSocket", () =>
    withGlobal("WebSocket", undefined, () => expectUnsupported(() => Client.connect("ws://a/"), "client")));

  it("refuses a Unix socket at once", () => expectUnsupported(() => new Client("ws+unix:/run/a.sock"), "ws+unix:"));

  it(
    "that is idle closes with 1001, which travels as 4001",
    open(async ({ client, platform }) => {
      await new Promise<void>((resolve) => {
        const close = platform.close.bind(platform);
        platform.close = (...args) => resolve(close(...args));
      });
      expect(platform.calls).toEqual(["close 4001 idle timeout"]);
      platform.end(4001);
      expect(await client.closed).toMatchObject({ code: 4001, clean: true, first: "local" });
    }, { idleTimeout: 0.02 }),
  );

  it(
    "that is idle calls its handler instead",
    open(async ({ client, platform }) => {
      await client.closed;
      expect(platform.calls).toEqual(["close"]);
    }, { idleTimeout: 0.02, onIdleTimeout: (client) => client.terminate() }),
  );
});

describe("the requests of a page (C13, D5)", () => {
  const config = { dispatcherStreamId: "id", readAhead: { messages: 2 } };
  const ids = [1, 2, 3].map((n) => JSON.stringify({ id: "2", n }));

  it(
    "are answered; a stream that nobody reads closes the connection, and what came can be read",
    open(async ({ client, platform }) => {
      const reply = client.request({ type: "one" });
      const replies = client.requestStream({ type: "many" });
      expect(platform.calls).toEqual(['send {"type":"one","id":"1"}', 'send {"type":"many","id":"2"}']);
      platform.receive('{"id":"1"}');
      expect(await reply).toEqual({ id: "1" });
      for (const text of ids) platform.receive(text);
      expect(platform.calls.at(-1)).toBe("close 4008 read-ahead exceeded");
      platform.end(4008);
      expect([await replies.next(), await replies.next()].map(({ value }) => (value as { n: number }).n)).toEqual([
        1,
        2,
      ]);
      expect(await failure(() => replies.next())).toBeInstanceOf(ConnectionClosureError);
    }, config),
  );
});
