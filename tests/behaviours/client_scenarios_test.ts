/** What the client of Ballerina's module is tested for, as scenarios of the public face; named for the files they are in. */

import { describe, expect, it } from "vitest";
import {
  Client,
  type ClientConfiguration,
  ConnectionClosureError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  Listener,
  type Service,
} from "../../mod.ts";
import { deferred, ECHO, failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";

const { listen, connect, whenOver } = onSockets();

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("malformed_url_test, and other URLs", () => {
  it.each<[string, string]>([
    ["xxx", '"xxx" is not a URL'],
    ["127.0.0.1:9090/echo", '"127.0.0.1:9090/echo" is not a URL'],
    ["localhost:9090/echo", 'the scheme "localhost:" is not "ws:", "wss:", "http:", "https:" or "ws+unix:"'],
    ["file:///tmp", 'the scheme "file:" is not'],
    ["ws:///", "is not a URL"],
    ["ws://127.0.0.1:65536/", "is not a URL"],
    ["ws://127.0.0.1:port/", "is not a URL"],
    ["ws://[::1/", "is not a URL"],
    ["ws://256.256.256.256/", "is not a URL"],
    ["ws://ada:secret@127.0.0.1/", 'the URL has a user name or a password; use "customHeaders" for them'],
    ["ws://ada@127.0.0.1/", "the URL has a user name or a password"],
    ["ws+unix:relative.sock:/", 'the URL is not of the form "ws+unix:/path/to.sock:/request/path"'],
  ])("C1: %j: thrown at once, as a sentence that repeats no password", async (url, sentence) => {
    const error = await failure(() => new Client(url)) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^Cannot connect: /);
    expect(error.message).toContain(sentence);
    expect(error.message).not.toContain("secret");
    expect(await failure(Client.connect(url))).toEqual(error);
  });

  it("C1: every way to write a host that leads to this machine", async () => {
    const { port } = await listen({ onOpen: (caller) => new URL(caller.request.url).host });
    const hosts = ["127.0.0.1", "127.1", "0x7f000001", "localhost", "LOCALHOST"];
    for (const scheme of ["ws", "http", "HTTP", "WS"]) {
      for (const host of hosts) {
        const client = await connect(`${scheme}://${host}:${port}`);
        expect(await client.readMessage()).toBe(`${/^l/i.test(host) ? "localhost" : "127.0.0.1"}:${port}`);
        expect(client.url).toBe(new URL(`${scheme}://${host}:${port}`).href);
      }
    }
  });
});

it("C8: invalid_base_path_test: nothing is attached to that path: 404", async () => {
  const listener = new Listener(0, { host: LOOPBACK });
  whenOver(() => listener.immediateStop());
  listener.attach("/echo", { get: () => ECHO });
  await listener.start();
  for (const path of ["", "/", "/ech", "/echo/more", "/Echo"]) {
    const error = await failure(connect(listener.url + path)) as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect([path, error.status]).toEqual([path, 404]);
  }
  expect((await connect(`${listener.url}/echo?a=b`)).isOpen()).toBe(true);
});

describe("client_handshake_timeout_test", () => {
  it("C6: a server that is slow to decide: HandshakeTimedOutError, told by opened and closed", async () => {
    const decided = deferred<Service>();
    const listener = await listen();
    listener.attach("/slow", { get: () => decided.promise });
    const client = new Client(`${listener.url}/slow`, { handshakeTimeout: 0.1 });
    const error = await failure(client.opened) as HandshakeTimedOutError;
    expect(error).toBeInstanceOf(HandshakeTimedOutError);
    expect([error.code, error.message]).toEqual([
      "ERR_HANDSHAKE_TIMED_OUT",
      "Cannot connect: the handshake was not done within 0.1 s",
    ]);
    expect(await client.closed).toMatchObject({ code: 1006, clean: false, error });
    decided.resolve(ECHO);
  });

  it("C6: one that decides in time: what takes longer afterwards is not cut", async () => {
    const { url } = await listen({
      onTextMessage: async (_caller, text) => {
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        return text;
      },
    });
    const client = await connect(url, { handshakeTimeout: 1 });
    await client.writeTextMessage("late");
    expect(await client.readTextMessage()).toBe("late");
    expect(client.isOpen()).toBe(true);
  });
});

describe("cookie_sync_client_test", () => {
  it("C10: a cookie is sent, echoed as Set-Cookie, and read from getHttpResponse", async () => {
    const listener = await listen();
    listener.attach("/cookie", {
      get: (request, { headers }) => {
        headers.append("Set-Cookie", request.headers.get("cookie") ?? "none");
        return ECHO;
      },
    });
    const client = await connect(`${listener.url}/cookie`, {
      cookies: [{ name: "username", value: "name" }, { name: "lang", value: "en", path: "/cookie" }],
    });
    const { status, headers, url } = client.getHttpResponse()!;
    expect([status, headers.getSetCookie(), url]).toEqual([
      101,
      ["lang=en; username=name"],
      `${listener.url}/cookie`,
    ]);
    await client.writeTextMessage("usual");
    expect(await client.readTextMessage()).toBe("usual");
  });
});

describe("websocket_client_exceptions", () => {
  it("P1: a ping of 148 bytes is a RangeError, nothing is sent, and the connection lives", async () => {
    const client = await connect((await listen()).url);
    expect(() => client.ping(bytes("a".repeat(148)))).toThrow(RangeError);
    expect(() => client.pong(new Uint8Array(126))).toThrow(RangeError);
    await client.writeTextMessage("alive");
    expect(await client.readTextMessage()).toBe("alive");
  });

  it("P5: a write after close is a ConnectionClosureError that says what happened", async () => {
    const client = await connect((await listen()).url);
    await client.close(1000, "done");
    for (const write of [() => client.writeTextMessage("x"), () => client.writeBinaryMessage(bytes("x"))]) {
      const error = await failure(write()) as ConnectionClosureError;
      expect(error).toBeInstanceOf(ConnectionClosureError);
      expect(error.message).toMatch(/^Cannot send a message: we closed with 1000 "done"/);
    }
    expect(() => client.ping()).toThrow(ConnectionClosureError);
  });

  it("U4: sub-protocols that the server does not know: no connection", async () => {
    const listener = await listen();
    listener.attach("/xml", { subProtocols: ["xml"], get: () => ECHO });
    const error = await failure(connect(`${listener.url}/xml`, { subProtocols: ["my-protocol"] })) as Error;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.message).toContain("the server chose none of the sub-protocols offered");
    expect((await connect(`${listener.url}/xml`, { subProtocols: ["my-protocol", "xml"] })).isOpen()).toBe(true);
  });
});

describe.each<["text" | "binary"]>([["text"], ["binary"]])("sync_client_test_%s", (kind) => {
  const write = (client: Client, text: string): Promise<void> =>
    kind === "text" ? client.writeTextMessage(text) : client.writeBinaryMessage(bytes(text));
  const read = async (client: Client): Promise<string> =>
    kind === "text" ? await client.readTextMessage() : new TextDecoder().decode(await client.readBinaryMessage());

  it("C4: five messages come back in order, read while they are written", async () => {
    const client = await connect((await listen()).url, { readTimeout: 10, writeTimeout: 10 });
    const texts = ["Hi world1", "Hi world2", "Hi world3", "Hi world4", "Hi world5"];
    const writing = async (): Promise<void> => {
      for (const text of texts) await write(client, text);
    };
    const reading = async (): Promise<string[]> => {
      const seen: string[] = [];
      for (let i = 0; i < texts.length; i++) seen.push(await read(client));
      return seen;
    };
    const [seen] = await Promise.all([reading(), writing()]);
    expect(seen).toEqual(texts);
  });

  it("C11: sub-protocol, ids, attributes, isOpen, isSecure", async () => {
    const listener = await listen();
    const ids: string[] = [];
    listener.attach("/xml", {
      subProtocols: ["xml", "json"],
      get: () => ({ ...ECHO, onOpen: (caller) => void ids.push(caller.getConnectionId()) }),
    });
    const [one, two] = [
      await connect(`${listener.url}/xml`, { subProtocols: ["json", "xml"] }),
      await connect(`${listener.url}/xml`, { subProtocols: "xml" }),
    ];
    expect([one.getNegotiatedSubProtocol(), two.getNegotiatedSubProtocol()]).toEqual(["json", "xml"]);
    await write(one, "a");
    await write(two, "b");
    expect([await read(one), await read(two)]).toEqual(["a", "b"]);
    // Each side names the connection for itself.
    expect(new Set([one.getConnectionId(), two.getConnectionId(), ...ids]).size).toBe(4);
    one.setAttribute("xml", "attr");
    expect([one.getAttribute("xml"), two.getAttribute("xml")]).toEqual(["attr", undefined]);
    expect([one.removeAttribute("xml"), one.removeAttribute("xml"), one.getAttribute("xml")]).toEqual([
      "attr",
      undefined,
      undefined,
    ]);
    expect([one.isOpen(), one.isSecure()]).toEqual([true, false]);
    await one.close();
    expect([one.isOpen(), two.isOpen()]).toEqual([false, true]);
  });
});

describe("numbers that are too large", () => {
  it("C6: the largest that an option takes does what it says", async () => {
    const most = 2_147_483; // what a timer can wait for, 24 days
    const client = await connect((await listen()).url, {
      readTimeout: most,
      writeTimeout: most,
      handshakeTimeout: most,
      idleTimeout: most,
      messageTimeout: most,
      maxMessageSize: Number.MAX_SAFE_INTEGER,
      // More than the original's integers hold: there is no clamp.
      maxFrameSize: 2_147_483_650,
      maxBufferedAmount: Number.MAX_SAFE_INTEGER,
      maxRedirects: Number.MAX_SAFE_INTEGER,
    });
    const reading = client.readTextMessage();
    await new Promise((resolve) => setImmediate(resolve));
    await client.writeTextMessage("still here");
    expect(await reading).toBe("still here");
  });

  it.each<[keyof ClientConfiguration, number]>([
    ["readTimeout", 2_147_483_650],
    ["writeTimeout", 2_147_483_650],
    ["handshakeTimeout", 2_147_484],
    ["readTimeout", -1],
    ["handshakeTimeout", -10],
    ["maxFrameSize", 2 ** 53],
    ["maxFrameSize", -1],
    ["maxMessageSize", 1e300],
    ["maxRedirects", 2 ** 53],
  ])("C6: a larger one is not cut down in silence: %s of %d", (name, value) => {
    const create = (): Client => new Client("ws://127.0.0.1:1/", { [name]: value });
    expect(create).toThrow(RangeError);
    expect(create).toThrow(`Cannot use the option "${name}": ${value} is not`);
  });
});
