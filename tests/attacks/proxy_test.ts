/** Proxies that mean harm, and secrets that would go to the wrong one of two. */

import { createServer as createTlsServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import {
  type ClientConfiguration,
  ConnectionError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  ProxyError,
  SslError,
} from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type ConnectProxy, connectProxy, type ConnectProxyOptions } from "../support/connect_proxy.ts";
import { deferred, onSockets, switching } from "../support/on_sockets.ts";

const { connect, server, whenOver } = onSockets();

/** Headers for the server that no proxy may see. */
const SECRETS = { Authorization: "Bearer for-the-server", Cookie: "session=for-the-server" };

async function through(
  options: ConnectProxyOptions,
  url: string,
  config: ClientConfiguration = {},
): Promise<{ proxy: ConnectProxy; error: unknown }> {
  const proxy = await connectProxy(whenOver, options);
  const client = connect(url, { customHeaders: SECRETS, ...config, proxy: proxy.url });
  return { proxy, error: await client.then(() => undefined, (error: unknown) => error) };
}

it("attack 41: what is for the server does not go to the proxy, nor the other way round", async () => {
  const { promise: asked, resolve } = deferred<string>();
  const url = await server(async (peer, request) => {
    await peer.raw.write(switching(request));
    resolve(request);
  });
  const demanding = await connectProxy(whenOver, { credentials: "ada:for-the-proxy" });
  await connect(url, { customHeaders: SECRETS, proxy: demanding.url.replace("//", "//ada:for-the-proxy@") });
  // One that asks for them is not told either.
  const { proxy, error } = await through({ credentials: "none" }, url);
  expect(error).toMatchObject({ status: 407 });
  for (const { requests } of [demanding, proxy]) {
    expect(requests).toHaveLength(1);
    expect(requests[0]).not.toMatch(/for-the-server|^(Authorization|Cookie):/m);
  }
  const request = await asked;
  expect(request).toContain("Bearer for-the-server");
  expect(request).not.toMatch(/proxy/i);
});

describe("a proxy that would have wss: in the clear, or read it", () => {
  it("attack 42: a proxy that plays the server without TLS gets nothing in the clear", async () => {
    let heard = "";
    for (const early of ["", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"]) {
      const { error } = await through({
        answer(socket) {
          socket.on("data", (chunk) => {
            heard += chunk.toString("latin1");
            socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
          });
          socket.write(`HTTP/1.1 200 OK\r\n\r\n${early}`);
        },
      }, "wss://somewhere.test/");
      expect(error, early).toBeInstanceOf(SslError);
    }
    expect(heard).not.toMatch(/GET |for-the-server/);
  });

  it("attack 42: a proxy that puts its own certificate between gets nothing either", async () => {
    let heard = "";
    const tls = createTlsServer(makeCertificates(), (socket) => socket.on("data", (chunk) => heard += chunk));
    tls.on("tlsClientError", () => {});
    tls.listen(0, "127.0.0.1");
    whenOver(() => tls.close());
    await new Promise((resolve) => tls.once("listening", resolve));
    const { proxy, error } = await through({}, `wss://localhost:${(tls.address() as AddressInfo).port}/`);
    expect(error).toBeInstanceOf(SslError);
    expect(proxy.tunnels).toBe(1);
    await proxy.idle();
    expect(heard).toBe("");
    expect(proxy.passed).not.toContain("for-the-server");
  });
});

it("attack 42: a redirect of the proxy leads nowhere", async () => {
  let visits = 0;
  const inside = await server(() => visits++);
  for (const status of [301, 302, 307, 308]) {
    const { proxy, error } = await through({
      answer: (socket) =>
        socket.end(`HTTP/1.1 ${status} Over there\r\nLocation: ${inside.replace("ws:", "http:")}\r\n\r\n`),
    }, "ws://somewhere.test/");
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toMatchObject({ status });
    await proxy.idle();
  }
  expect(visits).toBe(0);
});

describe("answers without an end", () => {
  it.each<[string, string]>([
    ["attack 42: a line", `HTTP/1.1 200 OK\r\nA: ${"a".repeat(100_000)}`],
    ["attack 42: headers", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(10_000)}`],
    ["attack 42: interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)],
    ["attack 42: another protocol", "\0".repeat(100_000)],
  ])("%s", async (_, answer) => {
    const { proxy, error } = await through({ answer: (socket) => socket.write(answer) }, "ws://somewhere.test/");
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toMatchObject({ status: 0, cause: { name: "HttpHeadError" } });
    await proxy.idle();
  });

  it("attack 42: byte after byte, until handshakeTimeout", async () => {
    const { proxy, error } = await through(
      {
        answer(socket) {
          const text = "HTTP/1.1 200 OK\r\nA: ";
          let at = 0;
          const timer = setInterval(() => socket.write(text[at++] ?? "a"), 2);
          socket.on("close", () => clearInterval(timer));
        },
      },
      "wss://somewhere.test/",
      { handshakeTimeout: 0.15 },
    );
    expect(error).toBeInstanceOf(HandshakeTimedOutError);
    await proxy.idle();
  });

  it("attack 42: silence under TLS, until handshakeTimeout", async () => {
    const { proxy, error } = await through(
      { answer: (socket) => socket.write("HTTP/1.1 200 OK\r\n\r\n") },
      "wss://somewhere.test/",
      { handshakeTimeout: 0.15 },
    );
    expect(error).toBeInstanceOf(HandshakeTimedOutError);
    await proxy.idle();
  });

  it("attack 42: a body of the 200 is what the server says, and no handshake", async () => {
    const page = "<html>Please log in</html>";
    const { proxy, error } = await through({
      answer: (socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`),
    }, "ws://somewhere.test/");
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect((error as Error).message).toContain("not a usable HTTP head");
    await proxy.idle();
  });

  it("attack 42: an end in the middle", async () => {
    const { error } = await through({ answer: (socket) => socket.end("HTTP/1.1 200 OK\r\n") }, "ws://somewhere.test/");
    expect(error).toBeInstanceOf(ConnectionError);
  });
});
