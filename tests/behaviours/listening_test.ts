/**
 * The rows L and U of the acceptance table, in what is seen only beside the usual: addresses, times that are switched off,
 * other spellings of a path, what is pending when a listener stops.
 */

import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { type Caller, type Closure, Listener, type Service, type UpgradeService } from "../../mod.ts";
import { deviates, here, IS_NATIVE } from "../support/host.ts";
import { deferred, ECHO, failure, LOOPBACK, onSockets, switching } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial, upgraded, answerTo, clientAndServer, server, whenOver } = onSockets();

/** Resolves when a listener has found a silence of `seconds` to be too long: so long nothing else may have ended. */
async function silence(seconds: number): Promise<void> {
  const over = deferred();
  const { port } = await listen({ onIdleTimeout: () => over.resolve() }, { idleTimeout: seconds, pingInterval: 0 });
  await upgraded(port);
  await over.promise;
}

describe("where it listens", () => {
  it("L2: on every interface, unless host says where", async () => {
    const addresses = Object.values(networkInterfaces()).flat()
      .filter((address) => address?.family === "IPv4").map((address) => address!.address);
    expect(addresses).toContain("127.0.0.1");
    const everywhere = new Listener(0, IS_NATIVE ? { host: "native" } : {});
    whenOver(() => everywhere.immediateStop());
    everywhere.attach("/", { get: () => ECHO });
    await everywhere.start();
    expect(everywhere.url).toBe(`ws://127.0.0.1:${everywhere.port}`);
    for (const address of addresses) {
      const client = await connect(`ws://${address}:${everywhere.port}/`);
      await client.writeTextMessage(address);
      expect(await client.readMessage()).toBe(address);
    }
    const loopback = await listen();
    for (const address of addresses.filter((address) => address !== "127.0.0.1")) {
      expect(await failure(connect(`ws://${address}:${loopback.port}/`))).toMatchObject({ name: "ConnectionError" });
    }
  });

  it("L1: http1Settings too belong to a server of one's own, and so does its port", () => {
    expect(() => new Listener(createServer(), { http1Settings: { keepAlive: "AUTO" } })).toThrow(
      'Cannot use the option "http1Settings": it belongs to the server that was handed over',
    );
    expect(() => new Listener(createServer()).port).toThrow("the listener has not started");
  });
});

describe("times", () => {
  it("L2: timeout 0 waits for ever for get", async () => {
    const listener = await listen(ECHO, {}, { timeout: 0 });
    const decide = deferred<Service>();
    listener.attach("/slow", { get: () => decide.promise });
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest("/slow"));
    await silence(0.2);
    expect(raw.received).toBe("");
    decide.resolve(ECHO);
    expect(statusOf(await raw.head())).toBe(101);
  });

  it("L2: timeout is for the upgrade only: what is open lives on in silence", async () => {
    const { port } = await listen(ECHO, {}, { timeout: 0.1 });
    const peer = await upgraded(port);
    await silence(0.4);
    await peer.text("still here");
    expect(await peer.nextText()).toBe("still here");
  });

  it("U5: idleTimeout 0 is off", async () => {
    const { port } = await listen(ECHO, { idleTimeout: 0 });
    const peer = await upgraded(port);
    await silence(0.2);
    await peer.text("still here");
    expect(await peer.nextText()).toBe("still here");
  });

  it("U5: the close frame says why", async () => {
    const { port } = await listen({}, { idleTimeout: 0.05, pingInterval: 0 });
    expect(await (await upgraded(port)).closeFrame()).toMatchObject({
      code: 1001,
      text: expect.stringMatching(/idle timeout$/),
    });
  });

  it("U7: connectionClosureTimeout -1 waits for the peer's close frame however late it comes", async () => {
    const closure = deferred<Closure>();
    let over = false;
    const { port } = await listen({
      onTextMessage: (caller) => void caller.close(4000).then((how) => (over = true, closure.resolve(how))),
    }, { connectionClosureTimeout: -1 });
    const peer = await upgraded(port);
    await peer.text("go");
    expect(await peer.closeCode()).toBe(4000);
    await silence(0.2);
    // Bun's own sockets wait for nobody.
    expect(over).toBe(here({ "bun native": deviates("bun-no-close-wait", true) }, false));
    await peer.close(4000);
    const clean = here({ "bun native": deviates("bun-no-close-wait", false) }, true);
    expect(await closure.promise).toMatchObject({ code: 4000, clean });
  });

  it("U7: 0 does not wait, and a close frame that a handler returns keeps to it, too", async () => {
    const [closed, caller] = [deferred<number>(), deferred<Caller>()];
    const { port } = await listen({
      onOpen: (it) => caller.resolve(it),
      onTextMessage: (caller) => void caller.close(4000).then(({ sent }) => closed.resolve(sent!.code)),
    }, { connectionClosureTimeout: 0 });
    const peer = await upgraded(port);
    const started = performance.now();
    await peer.text("go");
    expect(await closed.promise).toBe(4000);
    // The connection itself may be there for two seconds more.
    expect(performance.now() - started).toBeLessThan(1_500);
    expect((await caller.promise).isOpen()).toBe(false);
    expect(await peer.closeCode()).toBe(4000);
  });
});

describe("paths", () => {
  const says = (name: string): UpgradeService => ({
    get: (_request, { params }) => ({ onOpen: () => `${name} ${JSON.stringify(params)}` }),
  });

  it.each([
    ["/a%2Db", "dash {}"],
    ["/%61-b", "dash {}"],
    ["/a-b/", "dash {}"],
    ["//a-b", "dash {}"],
    ["/a-b;x=1;y", "dash {}"],
    ["/;x=1/a-b", "dash {}"],
    ["/a-b;x=1/c-d;y=2/e;z", 'deep {"id":"e"}'],
    ["/a-b/c-d/x%3By", 'deep {"id":"x;y"}'],
    ["/a-b/c-d/-", 'deep {"id":"-"}'],
    ["/gr%c3%b6%C3%9Fe", "umlaut {}"],
    ["/p%2Fq", "slash {}"],
    ["/all/x;a=1/y;b=2", 'all {"*":"x/y"}'],
    ["/all/a%2Fb/c", 'all {"*":"a/b/c"}'],
    ["/all/known", "known {}"],
    ["/all/known/more", 'all {"*":"known/more"}'],
    ["/", "root {}"],
  ])("L3: %s leads to %s", async (target, told) => {
    const listener = new Listener(0, { host: LOOPBACK });
    whenOver(() => listener.immediateStop());
    listener.attach("/", says("root"));
    listener.attach("/a-b", says("dash"));
    listener.attach("/a%2Db/c-d/:id", says("deep"));
    listener.attach("/gr%C3%B6%C3%9Fe", says("umlaut"));
    listener.attach("/p%2Fq", says("slash"));
    listener.attach("/all/*", says("all"));
    listener.attach("/all/known", says("known"));
    await listener.start();
    const peer = await upgraded(listener.port, target);
    expect(await peer.nextText()).toBe(told);
  });

  it.each<[string, number]>([
    ["/A-B", 404],
    ["/a-b/c", 404],
    ["/a-b/c-d", 404],
    ["/a-b/c-d/e/f", 404],
    ["/p/q", 404],
    ["/a_b", 404],
    ["/%FF", 400],
    ["/%zz", 400],
  ])("L3: %s leads nowhere: %d", async (target, status) => {
    const listener = await listen();
    listener.attach("/a-b", says("dash"));
    listener.attach("/a-b/c-d/:id", says("deep"));
    listener.attach("/p%2Fq", says("slash"));
    expect((await answerTo(listener.port, upgradeRequest(target))).status).toBe(status);
  });

  it("L3: the same path in another spelling is the same path", () => {
    const listener = new Listener(0);
    listener.attach("/größe", says("one"));
    listener.attach("/all/*", says("rest"));
    for (const path of ["/gr%C3%B6%C3%9Fe", "/größe/", "//größe"]) {
      expect(() => listener.attach(path, says("two"))).toThrow('the same path is attached already, as "/größe"');
    }
    expect(() => listener.attach("/all/*/", says("two"))).toThrow('attached already, as "/all/*"');
  });

  it.each<[unknown, string]>([
    [null, "the service is not an object"],
    [() => ECHO, "the service is not an object"],
    [{ get: "ECHO" }, 'the service has no "get"'],
    [{ onTextMessage() {} }, 'the service has no "get"'],
  ])("L3: %s is no service, which is told at attach", (service, reason) => {
    expect(() => new Listener(0).attach("/", service as UpgradeService)).toThrow(
      new TypeError(`Cannot attach "/": ${reason}`),
    );
  });

  it("L4: detach takes a service out wherever it is; another at the next path stays", async () => {
    const listener = await listen();
    const [twice, stays] = [says("twice"), says("stays")];
    listener.attach("/one", twice);
    listener.attach("/one/two", stays);
    listener.attach("/three", twice);
    listener.detach(twice);
    expect((await answerTo(listener.port, upgradeRequest("/one"))).status).toBe(404);
    expect((await answerTo(listener.port, upgradeRequest("/three"))).status).toBe(404);
    expect(await (await upgraded(listener.port, "/one/two")).nextText()).toBe("stays {}");
    expect(() => listener.detach(twice)).toThrow(TypeError);
    expect(() => listener.detach({ get: () => ECHO })).toThrow("Cannot detach the service: it is not attached");
  });
});

describe("pending", () => {
  it("L6: an upgrade that is not decided when the listener stops is refused with 503, and get is told", async () => {
    const listener = await listen();
    const [asked, told] = [deferred(), deferred<unknown>()];
    listener.attach("/slow", {
      get: (request) => {
        request.signal.addEventListener("abort", () => told.resolve(request.signal.reason));
        asked.resolve();
        return new Promise<Service>(() => {});
      },
    });
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest("/slow"));
    await asked.promise;
    const stopping = listener.gracefulStop();
    expect(statusOf(await raw.answer())).toBe(503);
    expect(await told.promise).toMatchObject({ name: "UpgradeError", status: 503 });
    expect(await stopping).toEqual({ closed: 0, cut: 0 });
    expect(listener.stats()).toMatchObject({ opened: 0, refused: { 503: 1 } });
  });

  it("U1: get may answer at once or later, and later with any of its answers", async () => {
    const listener = await listen();
    listener.attach("/later", {
      get: async (request) => {
        await new Promise((resolve) => setImmediate(resolve));
        return new URL(request.url).search === "" ? ECHO : new Response("Not now", { status: 409 });
      },
    });
    const peer = await upgraded(listener.port, "/later");
    await peer.text("hi");
    expect(await peer.nextText()).toBe("hi");
    expect((await answerTo(listener.port, upgradeRequest("/later?no"))).status).toBe(409);
  });

  it("U1: the signal of a request whose upgrade went well is not aborted, not even at the end", async () => {
    const requests: Request[] = [];
    const closed = deferred();
    const listener = await listen();
    listener.attach("/kept", {
      get: (request) => {
        requests.push(request);
        return { onClose: () => closed.resolve() };
      },
    });
    const peer = await upgraded(listener.port, "/kept");
    await peer.close(1000);
    peer.socket.end();
    await closed.promise;
    expect(requests[0]!.signal.aborted).toBe(false);
  });
});

describe("sub-protocols", () => {
  it("U4: a function gets the offers in the client's order, and is not asked when there are none", async () => {
    const asked: (readonly string[])[] = [];
    const listener = await listen({ onOpen: (caller) => `${caller.getNegotiatedSubProtocol()}` }, {
      subProtocols: (offered) => {
        asked.push(offered);
        return offered.find((name) => name.startsWith("v"));
      },
    });
    const client = await connect(listener.url, { subProtocols: ["a", "v2", "v1"] });
    expect([await client.readMessage(), client.getNegotiatedSubProtocol()]).toEqual(["v2", "v2"]);
    const none = await connect(listener.url);
    expect([await none.readMessage(), none.getNegotiatedSubProtocol()]).toEqual(["undefined", undefined]);
    expect(await failure(connect(listener.url, { subProtocols: ["a"] }))).toMatchObject({ status: 101 });
    expect(asked).toEqual([["a", "v2", "v1"], ["a"]]);
  });

  it.each<[string, () => string]>([["chooses what nobody offered", () => "other"], ["throws", () => {
    throw new Error("secret");
  }]])("U4: a function that %s is a 500, and the listener hears why", async (_what, subProtocols) => {
    const errors: unknown[] = [];
    const { port } = await listen(ECHO, { subProtocols }, { onError: (error) => errors.push(error) });
    const { status, answer } = await answerTo(port, upgradeRequest("/", { "Sec-WebSocket-Protocol": "a" }));
    expect([status, answer.includes("secret"), answer.includes("other")]).toEqual([500, false, false]);
    expect(errors).toEqual([expect.any(Error)]);
  });

  it("U4: two answers, or an empty one, fail the client too", async () => {
    for (
      const headers of ["Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n", "Sec-WebSocket-Protocol: \r\n"]
    ) {
      const url = await server((peer, request) => peer.raw.write(switching(request, headers)));
      expect(await failure(connect(url, { subProtocols: ["a", "b"] }))).toMatchObject({
        name: "InvalidHandshakeError",
        message: expect.stringContaining("sub-protocol"),
      });
    }
    const { client } = await clientAndServer({ subProtocols: ["a", "b"] }, "Sec-WebSocket-Protocol: b\r\n");
    expect(client.getNegotiatedSubProtocol()).toBe("b");
  });
});

it("L5: start binds the port before it resolves, on a listener that was attached to before and after", async () => {
  const listener = new Listener(0, { host: LOOPBACK });
  whenOver(() => listener.immediateStop());
  listener.attach("/before", { get: () => ECHO });
  await listener.start();
  listener.attach("/after", { get: () => ECHO });
  for (const path of ["/before", "/after"]) {
    const peer = await upgraded(listener.port, path);
    await peer.text(path);
    expect(await peer.nextText()).toBe(path);
  }
});
