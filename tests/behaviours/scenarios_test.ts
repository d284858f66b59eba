/**
 * What users of a WebSocket module do with both ends of it, scene by scene: our client with our listener, over real
 * sockets. Each scene is one that such a module has got wrong at some time.
 */

import { describe, expect, it } from "vitest";
import {
  type Caller,
  Client,
  closeFrame,
  type Closure,
  ConnectionClosureError,
  INVALID_PAYLOAD,
  type Message,
  NORMAL_CLOSURE,
  PayloadTooLargeError,
  type Service,
  UnsupportedError,
  UpgradeError,
} from "../../mod.ts";
import { deviates, here, refuses } from "../support/host.ts";
import { deferred, ECHO, expectRefused, expectUnsupported, failure, onSockets } from "../support/on_sockets.ts";

const { listen, connect, upgraded, clientAndServer } = onSockets();

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The first `count` messages of a client. */
async function read(client: Client, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) messages.push(await client.readMessage());
  return messages;
}

describe("upgrades", () => {
  it("U2: a service that refuses is asked at each path below its own, and its word reaches the client", async () => {
    const listener = await listen();
    listener.attach("/on/*", { get: (_request, { params }) => new UpgradeError(400, `Not to ${params["*"]}`) });
    for (const [path, body] of [["/on", "Not to "], ["/on/xyz", "Not to xyz"], ["/on/x/y", "Not to x/y"]]) {
      const error = await failure(connect(listener.url + path));
      expect(error).toMatchObject({ name: "InvalidHandshakeError", status: 400 });
      expect(await (error as { body(): Promise<string> }).body()).toBe(body);
    }
    expect(await failure(connect(`${listener.url}/off`))).toMatchObject({ name: "InvalidHandshakeError", status: 404 });
  });

  it("U2: a get that fails by mistake is a 500 to its client only, and tells it nothing", async () => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
    listener.attach("/broken", {
      get: () => {
        throw new Error("the password is 1234");
      },
    });
    const neighbour = await connect(listener.url);
    const error = await failure(connect(`${listener.url}/broken`)) as InstanceType<typeof Error> & {
      body(): Promise<string>;
    };
    expect(error).toMatchObject({ name: "InvalidHandshakeError", status: 500 });
    expect(`${error.message} ${await error.body()}`).not.toContain("1234");
    expect(errors).toEqual([new Error("the password is 1234")]);
    await neighbour.writeTextMessage("hi");
    expect(await neighbour.readMessage()).toBe("hi");
  });

  it("L3: segments of a path may be words that mean something elsewhere", async () => {
    const listener = await listen();
    listener.attach("/default/new/:class", { get: (_request, { params }) => ({ onOpen: () => params["class"] }) });
    expect(await (await connect(`${listener.url}/default/new/function`)).readMessage()).toBe("function");
  });

  it("L6: attached, started, detached, stopped, and each of it twice or in the wrong order", async () => {
    const listener = await listen();
    const service = { get: (): Service => ECHO };
    listener.attach("/live", service);
    await listener.start();
    const client = await connect(`${listener.url}/live`);
    listener.detach(service);
    expect(() => listener.detach(service)).toThrow("Cannot detach the service: it is not attached");
    await client.writeTextMessage("detached, and alive");
    expect(await client.readMessage()).toBe("detached, and alive");
    const { url } = listener;
    expect(await listener.gracefulStop()).toEqual({ closed: 1, cut: 0 });
    expect(await listener.gracefulStop()).toEqual({ closed: 0, cut: 0 });
    await listener.immediateStop();
    expect(await client.closed).toMatchObject({ code: 1001, clean: true });
    const refused = await failure(connect(`${url}/live`));
    expect(refused).toMatchObject({ name: "ConnectionError", cause: { code: "ECONNREFUSED" } });
    expect(refused).not.toBeInstanceOf(ConnectionClosureError);
  });
});

describe("closing", () => {
  it("P3: a handler that closes twice gets one ending, and its peer one close frame", async () => {
    const closings = deferred<[Promise<Closure>, Promise<Closure>]>();
    const { url } = await listen({
      onTextMessage: (caller) => closings.resolve([caller.close(1000, "first", 3), caller.close(1001, "second", 3)]),
    });
    const client = await connect(url);
    await client.writeTextMessage("close");
    expect(await client.closed).toMatchObject({ received: { code: 1000, reason: "first" }, clean: true });
    const [first, second] = await closings.promise;
    expect(second).toBe(first);
    expect(await first).toMatchObject({ code: 1000, first: "local" });
  });

  it.each<[string, Service]>([
    ["there is no onClose", {}],
    ["onClose does nothing", { onClose() {} }],
    ["onClose closes too", { onClose: (caller) => void caller.close() }],
    ["onClose waits for its own close", { onClose: (caller) => caller.close(1000, "", 60) }],
    ["onClose fails", {
      onClose() {
        throw new Error("mine");
      },
    }],
    ["onClose takes its time", { onClose: () => nextTurn() }],
    ["onClose writes, which is too late", { onClose: (caller) => caller.writeTextMessage("bye").catch(() => {}) }],
  ])("P3: a client's close succeeds at once where %s", async (_what, service) => {
    const { url } = await listen(service, {}, { onError() {} });
    const client = await connect(url);
    expect(await client.close(1000, "", 60)).toMatchObject({ code: 1000, clean: true, first: "local" });
    expect(client.isOpen()).toBe(false);
  });

  it.each<[number, string]>([[1000, ""], [1001, "leaving"], [4000, "größer"]])(
    "S9: a client's %d %s reaches the service's onClose",
    async (code, reason) => {
      const heard = deferred<unknown[]>();
      const { url } = await listen({ onClose: (_caller, ...how) => heard.resolve(how) });
      const client = await connect(url);
      await client.close(code, reason);
      expect(await heard.promise).toEqual([code, reason]);
    },
  );

  it("P5: a server's close with a reason is what the next read is told", async () => {
    const { url } = await listen({ onTextMessage: (caller) => void caller.close(1000, "I have had enough") });
    const client = await connect(url);
    const reading = failure(client.readTextMessage());
    await client.writeTextMessage("hi");
    const error = await reading as ConnectionClosureError;
    expect(error).toBeInstanceOf(ConnectionClosureError);
    expect(error.message).toContain('the peer closed with 1000 "I have had enough"');
    expect(error.closure.received).toEqual({ code: 1000, reason: "I have had enough" });
  });

  it.each<[string, (client: Client) => unknown]>([
    ["it closes", (client) => client.close(1000, "", 0)],
    ["its server closes", (client) => client.writeTextMessage("close")],
  ])("P5: a client that is in the middle of a read when %s does not hang", async (_who, end) => {
    const { url } = await listen({ onTextMessage: () => closeFrame(1000) });
    const client = await connect(url);
    const reads = [failure(client.readTextMessage()), failure(client.readMessage())];
    await nextTurn();
    await end(client);
    for (const error of await Promise.all(reads)) expect(error).toBeInstanceOf(ConnectionClosureError);
  });

  it("P5: a read after the end is refused at once, again and again, and so is a write", async () => {
    const { url } = await listen();
    const client = await connect(url);
    await client.close();
    for (let i = 0; i < 3; i++) {
      expect(await failure(client.readMessage())).toBeInstanceOf(ConnectionClosureError);
      expect(await failure(client.writeTextMessage("x"))).toBeInstanceOf(ConnectionClosureError);
    }
    expect((await failure(client.readMessage()) as Error).message).toBe(
      "Cannot read a message: we closed with 1000, then the peer answered with 1000",
    );
  });

  it("P5: onOpen that closes, and writes nevertheless, is told that it did", async () => {
    const heard = deferred<unknown>();
    const { url } = await listen({
      async onOpen(caller) {
        void caller.close(1001, "Gone", 0);
        heard.resolve(await failure(caller.writeTextMessage("hello")));
      },
    });
    const client = await connect(url);
    expect(await client.closed).toMatchObject({ received: { code: 1001, reason: "Gone" } });
    expect(await heard.promise).toMatchObject({
      name: "ConnectionClosureError",
      message: 'Cannot send a message: we closed with 1001 "Gone", and the peer has not answered',
    });
  });

  it.each<[string, Message]>([["text", "Hi"], ["binary", Uint8Array.of(1, 2)]])(
    "S7: a handler that closes and returns %s all the same: nothing of it travels, and onError hears why",
    async (_kind, message) => {
      const heard = deferred<unknown>();
      const { url } = await listen({
        onMessage: (caller, same) => {
          void caller.close(1001, "before", 0);
          return same;
        },
        onError: (_caller, error) => heard.resolve(error),
      });
      const client = await connect(url);
      await client.writeMessage(message);
      expect(await failure(client.readMessage())).toMatchObject({ closure: { received: { code: 1001 } } });
      expect(await heard.promise).toMatchObject({ name: "ConnectionClosureError", closure: { sent: { code: 1001 } } });
    },
  );

  it.each<[string, Service]>([
    ["caller.close", { onTextMessage: (caller) => void caller.close() }],
    ["a close frame that is returned", { onTextMessage: () => NORMAL_CLOSURE }],
    ["one that a stream yields", {
      *onTextMessage() {
        yield NORMAL_CLOSURE;
      },
    } as Service],
  ])("U7: %s waits for a peer that reads nothing no longer than connectionClosureTimeout", async (_how, service) => {
    const closed = deferred<number>();
    const { port } = await listen({ ...service, onClose: () => closed.resolve(performance.now()) }, {
      connectionClosureTimeout: 0.3,
      pingInterval: 0,
    });
    const peer = await upgraded(port);
    peer.socket.pause();
    const started = performance.now();
    await peer.text("go");
    const seconds = (await closed.promise - started) / 1_000;
    expect(seconds).toBeGreaterThan(here({ "bun native": deviates("bun-no-close-wait", 0) }, 0.25));
    expect(seconds).toBeLessThan(2);
  });

  it.each([-10, -20, 200_000_000_000_000_000, NaN])(
    "P3: close refuses a timeout of %d, and sends nothing",
    async (timeout) => {
      const { url } = await listen({
        onTextMessage: async (caller) => (await failure(() => caller.close(1000, "", timeout)) as Error).message,
      });
      const client = await connect(url);
      expect(() => client.close(1000, "", timeout)).toThrow(RangeError);
      await client.writeTextMessage("you too");
      expect(await client.readMessage()).toBe(
        `Cannot use the option "timeout": ${timeout} is neither -1 nor from 0 to 2147483 seconds`,
      );
    },
  );

  it.each([20, 5555, 1004, -1])("P3: close(%d) is refused on both ends, and the connection lives on", async (code) => {
    const { url } = await listen({
      onTextMessage: async (caller) => ((await failure(() => caller.close(code))) as Error).name,
    });
    const client = await connect(url);
    expect(() => client.close(code)).toThrow(RangeError);
    await client.writeTextMessage("you too");
    expect(await client.readMessage()).toBe("RangeError");
  });

  it("P4: two elements of a stream, and then a close frame", async () => {
    const { url } = await listen({
      *onTextMessage() {
        yield "one";
        yield { two: 2 };
        yield INVALID_PAYLOAD;
        yield "never";
      },
    } as Service);
    const client = await connect(url);
    await client.writeTextMessage("go");
    expect(await read(client, 2)).toEqual(["one", '{"two":2}']);
    expect(await failure(client.readMessage())).toMatchObject({
      closure: { received: { code: 1007, reason: "Payload does not match the expected format or encoding" } },
    });
  });

  it("P4: a handler that makes an invalid close frame has failed: 1011, not a lost connection", async () => {
    const heard: unknown[] = [];
    const { url } = await listen({
      onTextMessage: () => closeFrame(5555, "no such code"),
      onError: (_caller, error) => void heard.push(error),
    });
    const client = await connect(url);
    await client.writeTextMessage("go");
    expect(await client.closed).toMatchObject({ code: 1011, clean: true });
    expect(heard).toEqual([expect.any(RangeError)]);
  });
});

describe("limits", () => {
  it("U6: one byte too much for the server: its onError hears how much, its client 1009", async () => {
    const heard = deferred<unknown>();
    const { url } = await listen({ onError: (_caller, error) => heard.resolve(error) }, { maxMessageSize: 1 });
    const client = await connect(url);
    await client.writeTextMessage("Hi");
    expect(await client.closed).toMatchObject({ received: { code: 1009 } });
    const error = await heard.promise as PayloadTooLargeError;
    expect(error).toBeInstanceOf(PayloadTooLargeError);
    expect([error.closeCode, error.size, error.limit]).toEqual([1009, 2, 1]);
  });

  it("C6: one byte too much for the client: its read is told why, and its server 1009", async () => {
    const code = deferred<number>();
    const { url } = await listen({ onOpen: () => "Hi", onClose: (_caller, status) => code.resolve(status) });
    const client = await connect(url, { maxMessageSize: 1 });
    const error = await failure(client.readMessage()) as ConnectionClosureError;
    expect(error).toBeInstanceOf(ConnectionClosureError);
    expect(error.cause).toMatchObject({ name: "PayloadTooLargeError", limit: 1 });
    expect(await code.promise).toBe(1009);
  });

  it.each<[string, Message]>([
    ["text", "größer, als ein Rahmen fasst: 𝄞𝄞𝄞"],
    ["binary", Uint8Array.from({ length: 100 }, (_, i) => i)],
    ["empty text", ""],
    ["empty bytes", new Uint8Array(0)],
  ])("U6: %s in small frames both ways arrives whole", async (_kind, message) => {
    const listener = await listen();
    const small = (): void => listener.attach("/small", { maxFrameSize: 4, get: () => ECHO });
    const whole = here({
      "deno native": refuses("deno-no-frames", true),
      "bun native": refuses("bun-no-frames", true),
    }, false);
    if (whole) expectUnsupported(await failure(small), "maxFrameSize");
    else small();
    const url = whole ? listener.url : `${listener.url}/small`;
    const client = await connect(url, { maxFrameSize: whole ? 1_000 : 4, webSocketCompressionEnabled: false });
    await client.writeMessage(message);
    expect(await client.readMessage()).toEqual(message);
    // A client splits what it sends on every host; what comes back whole may be too large a frame for it.
    const splits = await connect(listener.url, { maxFrameSize: 4, webSocketCompressionEnabled: false });
    await splits.writeMessage(message);
    const answer = await splits.readMessage().catch((error: ConnectionClosureError) => error.cause);
    if (message.length <= 4) expect(answer).toEqual(message);
    else expect(answer).toBeInstanceOf(PayloadTooLargeError);
  });

  it("C7: a writeTimeout that is not needed changes nothing", async () => {
    const { url } = await listen({ onTextMessage: (_caller, text) => text });
    const client = await connect(url, { writeTimeout: 1, readTimeout: 1 });
    await client.writeTextMessage("Hi");
    expect(await client.readTextMessage()).toBe("Hi");
  });
});

describe("pings", () => {
  it("P1: a client's ping is answered by a service that has no handlers, with its bytes", async () => {
    const pong = deferred<Uint8Array>();
    const { url } = await listen({});
    const client = await connect(url, { pingPongHandler: { onPong: (_client, data) => pong.resolve(data) } });
    const data = Uint8Array.from({ length: 125 }, (_, i) => i * 2);
    client.ping(data);
    expect(await pong.promise).toEqual(data);
  });

  it("P1: by a service's onPing, which also knows who asks", async () => {
    const pongs: string[] = [];
    const all = deferred();
    const service: Service = {
      onPing: (caller, data) => {
        caller.setAttribute("pings", Number(caller.getAttribute("pings") ?? 0) + 1);
        return new TextEncoder().encode(`${new TextDecoder().decode(data)} ${caller.getAttribute("pings")}`);
      },
    };
    if (here({ "deno native": refuses("deno-no-control", true) }, false)) return await expectRefused(service, "onPing");
    // Bun's own answers come too.
    const expected = here({ "bun native": deviates("bun-own-pong", 4) }, 2);
    const { url } = await listen(service);
    const client = await connect(url, {
      pingPongHandler: {
        onPong: (_client, data) => {
          if (pongs.push(new TextDecoder().decode(data)) === expected) all.resolve();
        },
      },
    });
    client.ping(new TextEncoder().encode("a"));
    client.ping(new TextEncoder().encode("b"));
    await all.promise;
    expect(pongs.filter((text) => text.length > 1)).toEqual(["a 1", "b 2"]);
  });

  it("P1: a server pings, the client's handler pongs, and the service that hears it goes on", async () => {
    const ping = (caller: Caller): void => caller.ping(new TextEncoder().encode("are you there"));
    const service: Service = {
      onOpen: ping,
      onPong: (_caller, data) => `pong ${new TextDecoder().decode(data)}`,
    };
    if (here({ "deno native": refuses("deno-no-control", true) }, false)) {
      await expectRefused(service, "onPong");
      const { url } = await listen({ onOpen: async (caller) => String(await failure(() => ping(caller))) });
      expect(await (await connect(url)).readMessage()).toContain(UnsupportedError.name);
      return;
    }
    const { url } = await listen(service);
    const pings: string[] = [];
    const client = await connect(url, {
      pingPongHandler: { onPing: (_client, data) => (pings.push(new TextDecoder().decode(data)), data) },
    });
    expect(await client.readMessage()).toBe("pong are you there");
    expect(pings).toEqual(["are you there"]);
  });

  it("C5: a client that never reads answers pings and notices the end all the same", async () => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, payload: "unread" });
    for (let i = 0; i < 3; i++) {
      await peer.send({ opcode: 9, payload: `${i}` });
      expect(await peer.next()).toMatchObject({ opcode: 10, text: `${i}` });
    }
    await peer.close(1001);
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await client.readMessage()).toBe("unread");
  });
});

describe("handlers", () => {
  it("S8: those that are missing let the next message through", async () => {
    const [listener, codes] = [await listen(), deferred<number>()];
    listener.attach("/text", { get: () => ({ onTextMessage: (_caller, text) => text }) });
    listener.attach("/binary", {
      get: () => ({ onBinaryMessage: (_caller, data) => data, onClose: (_caller, code) => codes.resolve(code) }),
    });
    const [text, binary] = [await connect(`${listener.url}/text`), await connect(`${listener.url}/binary`)];
    for (const client of [text, binary]) {
      client.pong(Uint8Array.of(1));
      await client.writeBinaryMessage(Uint8Array.of(1));
      client.ping();
      await client.writeTextMessage("x");
      client.pong();
      await client.writeBinaryMessage(Uint8Array.of(2));
      await client.writeTextMessage("y");
    }
    expect(await read(text, 2)).toEqual(["x", "y"]);
    expect(await read(binary, 2)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
    expect(listener.stats().unhandled).toBe(4);
    await binary.close(4000);
    expect(await codes.promise).toBe(4000);
  });

  it("U5: idleness is told to onIdleTimeout, and the connection is still of use", async () => {
    const { url } = await listen({ ...ECHO, onIdleTimeout: () => "are you asleep?" }, { idleTimeout: 0.1 });
    const client = await connect(url);
    expect(await client.readMessage()).toBe("are you asleep?");
    await client.writeTextMessage("no");
    expect(await client.readMessage()).toBe("no");
  });

  it("S4: the bytes a handler gets are its own: what it does with them changes nothing else", async () => {
    const kept: Uint8Array[] = [];
    const { url } = await listen({
      onBinaryMessage: (_caller, data) => {
        kept.push(data);
        const answer = data.slice();
        data.fill(0xff);
        return answer;
      },
    });
    const client = await connect(url);
    const sent = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(7)];
    for (const bytes of sent) void client.writeBinaryMessage(bytes);
    expect(await read(client, 3)).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(7)]);
    expect(kept.map((bytes) => bytes.length)).toEqual([3, 3, 1]);
    expect(sent).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(7)]);
  });

  it("S7: an error that is returned and not thrown ends its own connection with 1011, and no other", async () => {
    const heard: unknown[] = [];
    const { url } = await listen({
      onMessage: (_caller, message) => message === "fail" ? new Error("returned") : message,
      onError: (_caller, error) => void heard.push(error),
    });
    const [one, two] = [await connect(url), await connect(url)];
    await one.writeTextMessage("fail");
    expect(await one.closed).toMatchObject({ code: 1011, clean: true });
    await two.writeTextMessage("fine");
    expect(await two.readMessage()).toBe("fine");
    expect(heard).toEqual([new Error("returned")]);
  });

  it("S10: what a handler keeps with its caller stays with that caller", async () => {
    const { url } = await listen({
      onTextMessage(caller, text) {
        const before = caller.getAttribute("last");
        caller.setAttribute("last", text);
        caller.setAttribute("gone", 1);
        return {
          before,
          removed: [caller.removeAttribute("gone"), caller.removeAttribute("gone")],
          subProtocol: caller.getNegotiatedSubProtocol(),
          secure: caller.isSecure(),
          open: caller.isOpen(),
        };
      },
    }, { subProtocols: ["json", "xml"] });
    const client = await connect(url, { subProtocols: ["xml"] });
    await client.writeTextMessage("a");
    await client.writeTextMessage("b");
    const rest = { removed: [1, null], subProtocol: "xml", secure: false, open: true };
    expect((await read(client, 2)).map((text) => JSON.parse(String(text)))).toEqual([rest, { before: "a", ...rest }]);
    expect(client.getNegotiatedSubProtocol()).toBe("xml");
  });
});

describe("streams", () => {
  it.each<[string, readonly unknown[], readonly Message[]]>([
    ["strings", ["a", "b", "c"], ["a", "b", "c"]],
    ["numbers", [1, 2.5, -3], ["1", "2.5", "-3"]],
    ["records", [{ x: 1, y: "z" }, { x: 2, y: 'q"q' }], ['{"x":1,"y":"z"}', '{"x":2,"y":"q\\"q"}']],
    ["any JSON", [null, true, [1, [2]], {}], ["null", "true", "[1,[2]]", "{}"]],
    ["bytes", [Uint8Array.of(1), new ArrayBuffer(2)], [Uint8Array.of(1), new Uint8Array(2)]],
    ["nothing", [], []],
  ])("S4: of %s, out of onTextMessage, onMessage and onOpen", async (_what, elements, messages) => {
    const listener = await listen();
    async function* stream(): AsyncGenerator<unknown> {
      for (const element of elements) {
        yield element;
        await nextTurn();
      }
    }
    listener.attach("/text", { get: () => ({ onTextMessage: () => stream() }) });
    listener.attach("/message", { get: () => ({ onMessage: () => stream() }) });
    listener.attach("/open", { get: () => ({ onOpen: () => stream(), onTextMessage: (_caller, text) => text }) });
    for (const path of ["/text", "/message", "/open"]) {
      const client = await connect(listener.url + path);
      await client.writeTextMessage("go");
      expect(await read(client, messages.length)).toEqual(messages);
      // What comes behind a stream of onOpen waits for it.
      if (path === "/open") expect(await client.readMessage()).toBe("go");
    }
  });

  it("S6: one that fails closes with 1011 and the reason, behind what it had sent", async () => {
    const { url } = await listen({
      async *onTextMessage() {
        yield "1";
        yield "2";
        throw new Error("no more");
      },
      onError() {},
    } as Service);
    const client = await connect(url);
    await client.writeTextMessage("go");
    expect(await read(client, 2)).toEqual(["1", "2"]);
    expect(await failure(client.readMessage())).toMatchObject({
      closure: { received: { code: 1011, reason: "streaming failed: no more" } },
    });
  });

  it("S5: what comes during one waits its turn, and neither is lost", async () => {
    const { url } = await listen({
      async *onTextMessage(_caller: Caller, text: string) {
        for (let i = 0; i < 3; i++) {
          yield `${text} ${i}`;
          await nextTurn();
        }
      },
      onBinaryMessage: (_caller, data) => data,
    } as Service);
    const client = await connect(url);
    void client.writeTextMessage("a");
    void client.writeBinaryMessage(Uint8Array.of(1));
    void client.writeTextMessage("b");
    expect(await read(client, 7)).toEqual(["a 0", "a 1", "a 2", Uint8Array.of(1), "b 0", "b 1", "b 2"]);
  });
});

describe("a relay", () => {
  /** A listener whose connections go on to `target`: messages and closes of either end reach the other. */
  async function relayTo(target: string): Promise<string> {
    const { url } = await listen({
      async onOpen(caller) {
        const onward = await Client.connect(target);
        caller.setAttribute("onward", onward);
        void (async () => {
          for await (const message of onward) await caller.writeMessage(message);
          await caller.close(1000, "the other end is done");
        })().catch((error) => {
          const { received } = (error as ConnectionClosureError).closure;
          return caller.close(received?.code ?? 1011, received?.reason ?? "");
        });
      },
      onMessage: (caller, message) => (caller.getAttribute("onward") as Client).writeMessage(message),
      onClose: async (caller, code, reason) => {
        const onward = caller.getAttribute("onward") as Client;
        await onward.close(code === 1005 || code === 1006 ? 1000 : code, reason);
      },
      onError() {},
    });
    return url;
  }

  it("S2: hands text and bytes on in order, both ways", async () => {
    const url = await relayTo((await listen()).url);
    const client = await connect(url);
    const sent: Message[] = Array.from({ length: 50 }, (_, i) => i % 2 === 0 ? `text ${i}` : Uint8Array.of(i));
    for (const message of sent) void client.writeMessage(message);
    expect(await read(client, sent.length)).toEqual(sent);
  });

  it("S9: hands a client's close on to the far end", async () => {
    const heard = deferred<unknown[]>();
    const target = await listen({ ...ECHO, onClose: (_caller, ...how) => heard.resolve(how) });
    const client = await connect(await relayTo(target.url));
    await client.writeTextMessage("hi");
    expect(await client.readMessage()).toBe("hi");
    await client.close(4001, "done here");
    expect(await heard.promise).toEqual([4001, "done here"]);
  });

  it("P5: and the far end's close back to the client", async () => {
    const target = await listen({ onTextMessage: () => closeFrame(4002, "not here") });
    const client = await connect(await relayTo(target.url));
    await client.writeTextMessage("hi");
    expect(await client.closed).toMatchObject({ received: { code: 4002, reason: "not here" } });
  });
});
