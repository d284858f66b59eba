import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { type HttpProxy, parseProxy } from "../../src/client/http_proxy.ts";
import { reach } from "../../src/client/tunnel.ts";
import { ConnectionError, ProxyError, SslError } from "../../src/errors.ts";
import type { ByteSink, ByteTransport } from "../../src/transport/byte_transport.ts";
import type { DialTarget } from "../../src/transport/dialer.ts";
import { memoryPair, type MemoryTransport } from "../../src/transport/memory.ts";

const TARGET = { hostname: "example.com", port: 80, secure: false };
const SECURE = { hostname: "example.com", port: 443, secure: true };
const OK = "HTTP/1.1 200 Connection established\r\n\r\n";
const PROXY = parseProxy("http://ada:s3cret@p:3128", "it");

/** Hears bytes as text. */
class Ear implements ByteSink {
  text = "";
  hasEnded = false;
  isClosed = false;
  bytes(chunk: Uint8Array): void {
    this.text += new TextDecoder().decode(chunk);
  }
  drained(): void {}
  ended(): void {
    this.hasEnded = true;
  }
  closed(): void {
    this.isClosed = true;
  }
}

/** Lets every microtask and the next turn happen. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

interface Attempt {
  readonly dialled: DialTarget[];
  /** The proxy's end, and what it heard. */
  readonly far: MemoryTransport;
  readonly ear: Ear;
  readonly near: MemoryTransport;
  readonly over: ByteTransport;
  readonly controller: AbortController;
  readonly reached: Promise<ByteTransport>;
}

async function start(target: DialTarget = TARGET, proxy: HttpProxy | undefined = PROXY): Promise<Attempt> {
  const [near, far] = memoryPair();
  const [over] = memoryPair();
  const ear = new Ear();
  far.start(ear);
  const dialled: DialTarget[] = [];
  const controller = new AbortController();
  const dial = (target: DialTarget): Promise<ByteTransport> => {
    dialled.push(target);
    return Promise.resolve(target.pipe === undefined ? near : over);
  };
  const reached = reach(dial, target, () => proxy, controller.signal);
  reached.catch(() => {});
  await settle();
  return { dialled, far, ear, near, over, controller, reached };
}

/** How it failed; the pipe must be gone then. */
async function failure({ reached, ear }: Attempt): Promise<unknown> {
  const error = await reached.then(() => "reached", (error: unknown) => error);
  await settle();
  expect(ear.isClosed).toBe(true);
  return error;
}

describe("asking", () => {
  it("dials the target itself without a proxy, and without a route", async () => {
    const [near] = memoryPair();
    const dialled: DialTarget[] = [];
    const dial = (target: DialTarget): Promise<ByteTransport> => {
      dialled.push(target);
      return Promise.resolve(near);
    };
    const { signal } = new AbortController();
    expect(await reach(dial, TARGET, undefined, signal)).toBe(near);
    expect(await reach(dial, SECURE, () => undefined, signal)).toBe(near);
    expect(dialled).toEqual([TARGET, SECURE]);
  });

  it.each<[DialTarget, HttpProxy, string]>([
    [
      TARGET,
      PROXY,
      "CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n" +
      "Proxy-Authorization: Basic YWRhOnMzY3JldA==\r\n\r\n",
    ],
    [
      SECURE,
      { ...parseProxy("https://p", "it"), headers: [["User-Agent", "x"]] },
      "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: x\r\n\r\n",
    ],
    [
      { hostname: "::1", port: 8080, secure: false },
      parseProxy("http://p", "it"),
      "CONNECT [::1]:8080 HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
    ],
  ])("dials the proxy and asks it for %j", async (target, proxy, request) => {
    const { dialled, ear } = await start(target, proxy);
    expect(dialled).toEqual([proxy.dial]);
    expect(ear.text).toBe(request);
  });
});

describe("an answer", () => {
  const head = `HTTP/1.0 200 OK\r\nVia: x\r\n\r\n`;

  it("opens the tunnel at each split, and loses none of the target's bytes", async () => {
    const packet = encodeUtf8(`${head}early`);
    for (let split = 1; split <= packet.length; split++) {
      const { far, near, reached, ear } = await start();
      far.write(packet.slice(0, split));
      if (split % 2 === 0) await settle();
      if (split < packet.length) far.write(packet.slice(split));
      const pipe = await reached;
      const heard = new Ear();
      pipe.start(heard);
      await settle();
      far.write(encodeUtf8(" and late"));
      pipe.write(encodeUtf8("!"));
      await settle();
      expect([heard.text, ear.text.at(-1)]).toEqual(["early and late", "!"]);
      near.destroy();
    }
  });

  it("comes byte by byte, and in any 2xx, whatever it says of a body", async () => {
    const text =
      "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 299 Fine\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabcdef";
    const { far, reached } = await start();
    for (const byte of encodeUtf8(text)) far.write(Uint8Array.of(byte));
    far.end();
    const heard = new Ear();
    (await reached).start(heard);
    await settle();
    expect([heard.text, heard.hasEnded]).toEqual(["abcdef", true]);
  });

  it.each([
    ["407 Proxy Authentication Required", 407],
    ["403 Filtered", 403],
    ["502 Bad Gateway", 502],
    ["101 Switching Protocols", 101],
    ["302 Found", 302],
  ])("%s opens none, and its body is nobody's", async (line, status) => {
    const attempt = await start();
    attempt.far.write(
      encodeUtf8(`HTTP/1.1 ${line}\r\nProxy-Authenticate: Basic realm="x"\r\nLocation: http://10.0.0.1/\r\n\r\n<p>no`),
    );
    const error = await failure(attempt);
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toMatchObject({
      message: `Cannot connect through the proxy p:3128: it answered with status ${status}`,
      status,
    });
    expect((error as ProxyError).headers.get("proxy-authenticate")).toBe('Basic realm="x"');
    expect(attempt.dialled).toHaveLength(1);
  });

  it.each<[string, string]>([
    ["what is no HTTP", "SSH-2.0-OpenSSH\r\n"],
    ["a TLS alert", "\x15\x03\x01\x00\x02"],
    ["a head without an end", `HTTP/1.1 200 OK\r\nA: ${"a".repeat(65_536)}`],
    ["headers without an end", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(257)}`],
    ["interim answers without an end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(3_000)],
  ])("that is %s cannot be read", async (_, text) => {
    const attempt = await start();
    attempt.far.write(encodeUtf8(text));
    const error = await failure(attempt);
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toMatchObject({
      message: "Cannot connect through the proxy p:3128: its answer is not a usable HTTP head",
      status: 0,
      cause: { name: "HttpHeadError" },
    });
  });

  it.each<[string, (far: MemoryTransport) => void]>([
    ["an end", (far) => far.end()],
    ["a loss", (far) => far.lose()],
    ["an end in the middle", (far) => {
      far.write(encodeUtf8("HTTP/1.1 200"));
      far.end();
    }],
  ])("that is %s is a ConnectionError", async (_, act) => {
    const attempt = await start();
    act(attempt.far);
    const error = await failure(attempt);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toBe("Cannot connect through the proxy p:3128: it closed the connection");
  });
});

describe("TLS inside", () => {
  it("is put on the proxy's pipe, for the target's name", async () => {
    const { dialled, far, near, over, reached } = await start(SECURE);
    far.write(encodeUtf8(OK));
    expect(await reached).toBe(over);
    expect(dialled).toEqual([PROXY.dial, { ...SECURE, pipe: near }]);
    expect(dialled[1]?.pipe).toBe(near);
  });

  it("does not begin where somebody spoke before", async () => {
    const attempt = await start(SECURE);
    attempt.far.write(encodeUtf8(`${OK}HTTP/1.1 101 Switching Protocols\r\n`));
    const error = await failure(attempt);
    expect(error).toEqual(
      new SslError("Cannot open TLS to example.com:443: bytes came through the proxy before it began"),
    );
    expect(attempt.dialled).toHaveLength(1);
  });

  it("that fails lets the pipe go", async () => {
    const [near, far] = memoryPair();
    const ear = new Ear();
    far.start(ear);
    const refused = new SslError("no");
    const dial = (target: DialTarget): Promise<ByteTransport> =>
      target.pipe === undefined ? Promise.resolve(near) : Promise.reject(refused);
    const reached = reach(dial, SECURE, () => PROXY, new AbortController().signal);
    reached.catch(() => {});
    await settle();
    far.write(encodeUtf8(OK));
    await expect(reached).rejects.toBe(refused);
    await settle();
    expect(ear.isClosed).toBe(true);
  });
});

describe("giving up", () => {
  it("passes on how dialing the proxy failed", async () => {
    const refused = new ConnectionError("no");
    await expect(reach(() => Promise.reject(refused), TARGET, () => PROXY, new AbortController().signal)).rejects.toBe(
      refused,
    );
  });

  it("lets the proxy go when the signal aborts, with its reason", async () => {
    const attempt = await start();
    attempt.far.write(encodeUtf8("HTTP/1.1 200"));
    await settle();
    attempt.controller.abort("mine");
    expect(await failure(attempt)).toBe("mine");
  });

  it("asks nothing when the signal aborted while the proxy was dialled", async () => {
    const [near, far] = memoryPair();
    const ear = new Ear();
    far.start(ear);
    const controller = new AbortController();
    const reached = reach(() => Promise.resolve(near), TARGET, () => PROXY, controller.signal);
    controller.abort("mine");
    await expect(reached).rejects.toBe("mine");
    await settle();
    expect([ear.text, ear.isClosed]).toEqual(["", true]);
  });
});
