/** The row C8 of the acceptance table, as far as it is about redirects. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ClientConfiguration, HandshakeTimedOutError, InvalidHandshakeError, Listener } from "../../mod.ts";
import { ECHO, failure, onSockets, switching } from "../support/on_sockets.ts";

const { listen, connect, server, whenOver } = onSockets();

const redirect = (location: string, status = 302, more = ""): string =>
  `HTTP/1.1 ${status} Elsewhere\r\nLocation: ${location}\r\n${more}\r\n`;

/** A server that notes the requests it gets, and answers all of them with `answer`. */
async function redirector(answer: string | ((request: string) => string)) {
  const requests: string[] = [];
  const url = await server((peer, request) => {
    requests.push(request);
    return peer.raw.write(typeof answer === "string" ? answer : answer(request));
  });
  return { url, requests };
}

/** How connecting to a server with this answer fails. */
async function refusal(answer: string, config: ClientConfiguration = {}): Promise<InvalidHandshakeError> {
  const { url, requests } = await redirector(answer);
  const error = await failure(connect(url, { maxRedirects: 5, ...config }));
  expect(error).toBeInstanceOf(InvalidHandshakeError);
  expect(requests).toHaveLength(1);
  return error as InvalidHandshakeError;
}

describe("a redirect that is followed", () => {
  it.each([301, 302, 303, 307, 308])("C8: leads on with status %d", async (status) => {
    const { url } = await listen();
    const first = await redirector(redirect(url, status));
    const client = await connect(first.url, { maxRedirects: 1 });
    await client.writeTextMessage("there");
    expect(await client.readMessage()).toBe("there");
    expect([client.url, client.getHttpResponse()!.url, client.isSecure()]).toEqual([first.url, `${url}/`, false]);
  });

  it("C8: may be relative, and of our own listener, several in a row", async () => {
    const listener = await listen();
    const to = (location: string) => ({ get: () => new Response("on", { status: 307, headers: { location } }) });
    listener.attach("/a", to("b/c?x=1#part"));
    listener.attach("/b/c", to("../d"));
    listener.attach("/d", to(`//127.0.0.1:${listener.port}/e?y=%20`));
    listener.attach("/e", to(`http://127.0.0.1:${listener.port}/f?z=1`));
    listener.attach("/f", { subProtocols: ["v2"], get: (request) => ({ onOpen: () => request.url }) });
    const client = await connect(`${listener.url}/a`, { maxRedirects: 4, subProtocols: ["v1", "v2"] });
    expect(await client.readMessage()).toBe(`http://127.0.0.1:${listener.port}/f?z=1`);
    expect([client.getNegotiatedSubProtocol(), client.getHttpResponse()!.url]).toEqual(["v2", `${listener.url}/f?z=1`]);
  });

  it("C8: is not waited for to its end: the socket is let go", async () => {
    const { url } = await listen();
    let gone: Promise<string> | undefined;
    const first = await server((peer) => {
      gone = peer.raw.rest();
      // A body that never comes.
      return peer.raw.write(redirect(url, 302, "Content-Length: 1000000\r\n"));
    });
    const client = await connect(first, { maxRedirects: 1 });
    expect(await gone).toBe("");
    expect(client.isOpen()).toBe(true);
  });

  it("C8: on the same origin takes every header along, with a key of its own", async () => {
    const { url, requests } = await redirector((request) =>
      request.startsWith("GET / ") ? redirect("/again") : switching(request)
    );
    const customHeaders = { Authorization: "Basic x", Cookie: "a=1", "Proxy-Authorization": "y", "X-Own": "z" };
    await connect(url, { maxRedirects: 1, customHeaders, origin: "https://page.test" });
    const [first, second] = requests.map((request) => request.split("\r\n"));
    expect(second![0]).toBe("GET /again HTTP/1.1");
    const isKey = (line: string): boolean => line.startsWith("Sec-WebSocket-Key:");
    expect(second!.slice(1).filter((line) => !isKey(line))).toEqual(first!.slice(1).filter((line) => !isKey(line)));
    expect(second!.find(isKey)).not.toBe(first!.find(isKey));
  });

  it.each<[string, (port: string) => string]>([
    ["host", (port) => `ws://localhost:${port}/`],
    ["port", (port) => `http://127.0.0.1:${port}/`],
  ])("C8: to another %s leaves at home what says who asks", async (_, location) => {
    const other = await redirector((request) => switching(request));
    const { url, requests } = await redirector(redirect(location(new URL(other.url).port)));
    const customHeaders = { authorization: "Basic x", COOKIE: "a=1", "Proxy-Authorization": "y", "X-Own": "z" };
    await connect(url, { maxRedirects: 1, customHeaders, origin: "https://page.test" });
    for (const line of [/^authorization: Basic x\r$/m, /^COOKIE: a=1\r$/m, /^Proxy-Authorization: y\r$/m]) {
      expect(requests[0]).toMatch(line);
      expect(other.requests[0]).not.toMatch(new RegExp(line.source.split(":")[0]!, "im"));
    }
    expect(other.requests[0]).toMatch(/^Origin: https:\/\/page\.test\r$/m);
    expect(other.requests[0]).toMatch(/^X-Own: z\r$/m);
  });

  it("C8: stays on a Unix socket, and does not lead to the TCP port of that name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-"));
    whenOver(() => rmSync(folder, { recursive: true }));
    const http = createServer();
    const listener = new Listener(http);
    listener.attach("/a", { get: () => new Response(null, { status: 302, headers: { location: "/b?x=1" } }) });
    listener.attach("/b", { get: () => ECHO });
    await listener.start();
    await new Promise<void>((resolve) => http.listen(join(folder, "s"), resolve));
    whenOver(() => (http.close(), listener.immediateStop()));
    const client = await connect(`ws+unix:${join(folder, "s")}:/a`, { maxRedirects: 1 });
    expect(client.getHttpResponse()!.url).toBe(`ws+unix:${join(folder, "s")}:/b?x=1`);
  });
});

describe("a redirect that is not followed", () => {
  it("C8: without maxRedirects: it is a refusal with its body", async () => {
    const { url } = await listen();
    const error = await refusal(redirect(url, 302, "Content-Length: 4\r\n") + "away", { maxRedirects: 0 });
    expect([error.status, error.headers.get("location"), await error.body()]).toEqual([302, url, "away"]);
    expect(error.message).toContain("answered with status 302");
  });

  it("C8: behind the limit: a loop ends there, and names it", async () => {
    const { url, requests } = await redirector(redirect("/", 308, "Content-Length: 4\r\n") + "loop");
    const error = await failure(connect(url, { maxRedirects: 3 })) as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.message).toBe(
      'Cannot follow the redirect of status 308: 3 were followed already, the limit of "maxRedirects"',
    );
    expect([error.status, await error.body(), requests.length]).toEqual([308, "loop", 4]);
  });

  it.each<[string, string]>([
    ["", 'has no "Location"'],
    ["http://", "is not a URL"],
    ["/a b", "is not a URL"],
    ["/a\r\nLocation: /b", "is not a URL"],
    ["/\xc3\xa9", "is not a URL"],
    ["http://127.0.0.1:99999/", "is not a URL"],
    ["ftp://127.0.0.1/", "is not a URL for a WebSocket"],
    ["file:///etc/passwd", "is not a URL for a WebSocket"],
    ["ws+unix:/run/docker.sock:/", "is not a URL for a WebSocket"],
    ["http://user:pass@127.0.0.1/", "has a user name or a password"],
    ["ws://user@127.0.0.1/", "has a user name or a password"],
  ])("C8: with the Location %j: it says why", async (location, why) => {
    const error = await refusal(redirect(location));
    expect(error.message).toContain(why);
    expect(error.message).not.toContain("pass@");
    expect(error.status).toBe(302);
  });

  it("C8: other answers with a Location are refusals", async () => {
    for (const status of [300, 304, 305, 201, 401]) {
      expect((await refusal(redirect("/", status, "Content-Length: 0\r\n"))).message).toContain(`status ${status}`);
    }
  });

  it("C8: a huge Location is asked for, up to the limit of a head", async () => {
    const listener = await listen();
    const error = await failure(
      connect((await redirector(redirect(`${listener.url}/${"x".repeat(50_000)}`))).url, { maxRedirects: 1 }),
    ) as InvalidHandshakeError;
    expect([404, 414, 431]).toContain(error.status);
    expect((await refusal(redirect(`/${"x".repeat(70_000)}`))).message).toContain("not a usable HTTP head");
  });
});

describe("the time of all of it", () => {
  it("C8: is one handshakeTimeout, and the last socket is let go", async () => {
    let gone: Promise<string> | undefined;
    const silent = await server((peer) => gone = peer.raw.rest());
    const { url } = await redirector(redirect(silent));
    expect(await failure(connect(url, { maxRedirects: 1, handshakeTimeout: 0.2 }))).toBeInstanceOf(
      HandshakeTimedOutError,
    );
    expect(await gone).toBe("");
    // A loop whose every turn is quick.
    const loop = await redirector(redirect("/"));
    expect(await failure(connect(loop.url, { maxRedirects: 1e9, handshakeTimeout: 0.2 }))).toBeInstanceOf(
      HandshakeTimedOutError,
    );
    expect(loop.requests.length).toBeGreaterThan(1);
  });

  it("C8: ends when the signal aborts", async () => {
    const controller = new AbortController();
    const silent = await server(() => controller.abort(new Error("enough")));
    const { url } = await redirector(redirect(silent));
    expect(await failure(connect(url, { maxRedirects: 1, signal: controller.signal }))).toEqual(new Error("enough"));
  });
});
