/** Row C12 of the acceptance table: a client behind an HTTP proxy. */

import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Client,
  ConnectionError,
  HandshakeTimedOutError,
  type InvalidHandshakeError,
  ProxyError,
  type Service,
} from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { connectProxy, tlsBefore } from "../support/connect_proxy.ts";
import { deferred, ECHO, failure, onSockets } from "../support/on_sockets.ts";
import { NO_PROXIES, outcomesOf } from "../support/on_proxies.ts";
import { AUTHORITY, CERTIFICATE as cert, KEY as key } from "../support/tls_certificate.ts";

const { listen, connect, whenOver } = onSockets();
const proxyOf = (options?: Parameters<typeof connectProxy>[1]) => connectProxy(whenOver, options);

describe("through a proxy", () => {
  it("C12: ws: goes through CONNECT to a host that only the proxy can find", async () => {
    const { port } = await listen();
    const proxy = await proxyOf();
    const client = await connect(`ws://somewhere.test:${port}/`, { proxy: proxy.url });
    expect(proxy.requests).toEqual([
      `CONNECT somewhere.test:${port} HTTP/1.1\r\nHost: somewhere.test:${port}\r\n\r\n`,
    ]);
    for (const text of ["hello", "", "ä".repeat(300_000)]) {
      await client.writeTextMessage(text);
      expect(await client.readTextMessage() === text).toBe(true);
    }
    expect([client.isSecure(), proxy.tunnels]).toEqual([false, 1]);
    expect(await client.close(4000, "done")).toMatchObject({ code: 4000 });
    await proxy.idle();
  });

  it("C12: the service's end comes through the tunnel", async () => {
    const { port } = await listen({ onOpen: (caller) => void caller.close(4001, "enough") });
    const { url } = await proxyOf();
    const client = await connect(`ws://somewhere.test:${port}/`, { proxy: new URL(url) });
    expect(await client.closed).toMatchObject({ code: 4001, reason: "enough" });
  });

  it("C12: what the server says first is not lost", async () => {
    // It speaks before it is asked: in the packet of the proxy's 200, or right behind it.
    const refusal = "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater";
    const proxy = await proxyOf({
      answer: (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${refusal}`),
    });
    const error = await failure(connect("ws://somewhere.test/", { proxy: proxy.url })) as InvalidHandshakeError;
    expect(error).toMatchObject({ name: "InvalidHandshakeError", status: 503 });
    expect(await error.body()).toBe("later");
  });

  it("C12: wss: is TLS with the server inside of the tunnel, through a proxy in the clear or over TLS", async () => {
    const { port } = await listen();
    const securePort = await tlsBefore(whenOver, port, { cert, key });
    const plain = await proxyOf({ credentials: "ada:s3cret" });
    const secure = await proxyOf({ tls: { cert, key } });
    const foreign = await proxyOf({ tls: makeCertificates() });
    const url = `wss://localhost:${securePort}/`;
    const attempts = [
      { url, config: { proxy: plain.url.replace("//", "//ada:s3cret@") } },
      { url, config: { proxy: secure.url } },
      // In the clear through a proxy over TLS.
      { url: `ws://somewhere.test:${port}/`, config: { proxy: secure.url } },
      // The certificate has to be the server's, whatever the proxy's says.
      { url: `wss://somewhere.test:${securePort}/`, config: { proxy: secure.url } },
      { url: `wss://127.0.0.2:${securePort}/`, config: { proxy: plain.url.replace("//", "//ada:s3cret@") } },
      // And the proxy's own its own.
      { url, config: { proxy: foreign.url } },
      { url, config: { proxy: plain.url } },
    ];
    const outcomes = await outcomesOf(whenOver, AUTHORITY, attempts);
    const fine = { echo: "over TLS, I hope", length: 1_048_576, code: 1000, clean: true };
    expect(outcomes).toMatchObject([
      fine,
      fine,
      fine,
      { error: "SslError", message: expect.stringContaining(`Cannot open TLS to somewhere.test:${securePort}: `) },
      { error: "SslError", message: expect.stringContaining(`Cannot open TLS to 127.0.0.2:${securePort}: `) },
      {
        error: "SslError",
        message: expect.stringContaining(`Cannot open TLS to the proxy localhost:${foreign.port}: `),
      },
      {
        error: "ProxyError",
        message: `Cannot connect through the proxy 127.0.0.1:${plain.port}: it answered with status 407`,
      },
    ]);
    expect(plain.requests[0]).toContain(`CONNECT localhost:${securePort} HTTP/1.1\r\n`);
    expect([plain.tunnels, secure.tunnels, foreign.tunnels]).toEqual([2, 3, 0]);
    // The proxy in the clear saw no word of it.
    expect(plain.passed).not.toContain("GET /");
    expect(secure.passed).toContain("GET / HTTP/1.1");
  });
});

describe("credentials and refusals", () => {
  it("C12: the URL's user name and password are the proxy's, and nobody else's", async () => {
    const seen = deferred<Headers>();
    const service: Service = { onOpen: () => "in" };
    const listener = await listen();
    listener.attach("/headers", {
      get: (request) => {
        seen.resolve(request.headers);
        return service;
      },
    });
    const proxy = await proxyOf({ credentials: "jürgen@a:p:s%" });
    const client = await connect(`ws://localhost:${listener.port}/headers`, {
      proxy: proxy.url.replace("//", "//j%C3%BCrgen%40a:p%3As%25@"),
      customHeaders: { Authorization: "Bearer for-the-server", Cookie: "a=1" },
    });
    expect(await client.readTextMessage()).toBe("in");
    const headers = await seen.promise;
    expect(headers.get("proxy-authorization")).toBeNull();
    expect(headers.get("authorization")).toBe("Bearer for-the-server");
    expect(proxy.requests.join("")).not.toMatch(/^(Authorization|Cookie):/mi);
  });

  it("C12: headers of the proxy's own", async () => {
    const { port } = await listen();
    const proxy = await proxyOf();
    const headers = { "Proxy-Authorization": "Bearer t", "User-Agent": "hawser" };
    await connect(`ws://localhost:${port}/`, { proxy: { url: proxy.url, headers } });
    expect(proxy.requests[0]).toContain("\r\nProxy-Authorization: Bearer t\r\nUser-Agent: hawser\r\n\r\n");
  });

  it("C12: a refusal is a ProxyError with the proxy's status and headers, without the password", async () => {
    const proxy = await proxyOf({ credentials: "ada:s3cret" });
    const error = await failure(connect("ws://somewhere.test/", { proxy: proxy.url.replace("//", "//ada:wrong1@") }));
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toMatchObject({
      code: "ERR_PROXY",
      status: 407,
      message: `Cannot connect through the proxy 127.0.0.1:${proxy.port}: it answered with status 407`,
    });
    expect((error as ProxyError).headers.get("proxy-authenticate")).toBe('Basic realm="test"');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/wrong1|d3Jvbmcx|YWRh/);
    await proxy.idle();
  });

  it("C12: a proxy that is not there is a ConnectionError, without the password", async () => {
    const proxy = await proxyOf({ answer: (socket) => socket.destroy() });
    const gone = await failure(connect("ws://somewhere.test/", { proxy: proxy.url.replace("//", "//ada:s3cret@") }));
    expect(gone).toBeInstanceOf(ConnectionError);
    expect((gone as Error).message).toBe(
      `Cannot connect through the proxy 127.0.0.1:${proxy.port}: it closed the connection`,
    );
    const nobody = await failure(connect("ws://somewhere.test/", { proxy: "http://ada:s3cret@127.0.0.1:1" }));
    expect(nobody).toBeInstanceOf(ConnectionError);
    expect((nobody as Error).message).toBe("Cannot connect to the proxy 127.0.0.1:1: ECONNREFUSED");
  });

  it("C12: a proxy that does not answer counts to handshakeTimeout, and ends with the signal", async () => {
    const asked = [deferred(), deferred()];
    let next = 0;
    const proxy = await proxyOf({
      answer(socket) {
        socket.write("HTTP/1.1 200");
        asked[next++]!.resolve();
      },
    });
    const config = { proxy: proxy.url };
    const late = await failure(connect("ws://somewhere.test/", { ...config, handshakeTimeout: 0.1 }));
    expect(late).toBeInstanceOf(HandshakeTimedOutError);
    await asked[0]!.promise;
    const controller = new AbortController();
    const client = connect("ws://somewhere.test/", { ...config, signal: controller.signal });
    const aborted = failure(client);
    await asked[1]!.promise;
    controller.abort(new Error("mine"));
    expect(await aborted).toMatchObject({ message: "mine" });
    await proxy.idle();
  });

  it("C12: what cannot be used is refused at once, without the password", () => {
    for (
      const proxy of ["s3cret", "socks5://ada:s3cret@p", "http://ada:s3cret@p/x", { url: "http://p", headers: [] }]
    ) {
      const error = (() => {
        try {
          new Client("ws://127.0.0.1:1/", { proxy: proxy as string });
        } catch (error) {
          return error as Error;
        }
        return undefined;
      })();
      expect(error).toBeInstanceOf(TypeError);
      expect(error?.message).toMatch(/^Cannot use the option "proxy/);
      expect(String(error?.stack)).not.toContain("s3cret");
    }
    expect(() => new Client("ws+unix:/a.sock:/", { proxy: "http://p" })).toThrow("a Unix socket");
  });
});

describe("the environment", () => {
  const before = { ...process.env };
  const set = (changes: Readonly<Record<string, string>>): unknown => Object.assign(process.env, changes);
  beforeEach(() => void set(NO_PROXIES));
  afterEach(() => {
    for (const name of Object.keys(NO_PROXIES)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  it("C12: names the proxy only when it is asked, and NO_PROXY the hosts it is not for", async () => {
    const { port } = await listen();
    const proxy = await proxyOf();
    const url = `ws://localhost:${port}/`;
    set({ HTTP_PROXY: proxy.url });
    await connect(url);
    expect(proxy.requests).toEqual([]);
    await connect(url, { proxy: "environment" });
    expect(proxy.requests).toHaveLength(1);
    for (const hosts of ["localhost", "example.com, LocalHost", `localhost:${port}`, "*"]) {
      set({ NO_PROXY: hosts });
      await connect(url, { proxy: "environment" });
      expect(proxy.requests, hosts).toHaveLength(1);
    }
    set({ NO_PROXY: "127.0.0.1,host,localhost:1", HTTP_PROXY: "", http_proxy: `127.0.0.1:${proxy.port}` });
    await connect(url, { proxy: "environment" });
    expect(proxy.requests).toHaveLength(2);
  });

  it("C12: a variable that cannot be used is refused by its name, without the password", () => {
    set({ HTTPS_PROXY: "socks5://ada:s3cret@p" });
    const connects = (url: string) => () => new Client(url, { proxy: "environment" });
    expect(connects("wss://127.0.0.1:1/")).toThrow(
      new TypeError('Cannot use the environment variable "HTTPS_PROXY": its scheme is not "http:" or "https:"'),
    );
  });

  it("C12: HTTPS_PROXY is for wss:", async () => {
    const { port } = await listen(ECHO);
    const securePort = await tlsBefore(whenOver, port, { cert, key });
    const [one, other] = [await proxyOf(), await proxyOf()];
    const attempts = [
      { url: `wss://localhost:${securePort}/`, config: { proxy: "environment" } },
      { url: `ws://somewhere.test:${port}/`, config: { proxy: "environment" } },
    ];
    const environment = { HTTPS_PROXY: one.url, ALL_PROXY: other.url };
    const outcomes = await outcomesOf(whenOver, AUTHORITY, attempts, environment);
    expect(outcomes).toMatchObject([{ code: 1000 }, { code: 1000 }]);
    expect([one.tunnels, other.tunnels]).toEqual([1, 1]);
  });
});
