/** Handshakes that mean harm, byte by byte against a listener, and answers that mean harm against a client. */

import { describe, expect, it } from "vitest";
import { InvalidHandshakeError, type Listener, type UpgradeResult } from "../../mod.ts";
import { FramePeer } from "../support/frame_peer.ts";
import { deferred, ECHO, failure, onSockets, switching } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial, upgraded, answerTo, server } = onSockets();

/** A listener, and somebody else's connection to it. */
async function target(): Promise<{ listener: Listener; port: number; bystander: FramePeer }> {
  const listener = await listen();
  return { listener, port: listener.port, bystander: await upgraded(listener.port) };
}

/** Somebody else's connection is as it was. */
async function expectAlive(bystander: FramePeer): Promise<void> {
  await bystander.text("still here");
  expect(await bystander.nextText()).toBe("still here");
}

/** A request, its expected statuses, for one port and one bystander. */
type Row = readonly [what: string, request: string, ...statuses: number[]];

function refuses(row: string, rows: readonly Row[]): void {
  it(row, async () => {
    const { port, bystander } = await target();
    for (const [what, request, ...statuses] of rows) {
      const { status, answer } = await answerTo(port, request);
      expect(statuses, `${what}: ${status}`).toContain(status);
      expect(answer, what).not.toMatch(/\n\s+at |node:internal/);
      if (status === 426) expect(answer).toContain("Sec-WebSocket-Version: 13");
      if (status === 405) expect(answer).toContain("Allow: GET");
    }
    await expectAlive(bystander);
  });
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const manyHeaders = (count: number): string => Array.from({ length: count }, (_, i) => `a${i}: b\r\n`).join("");
/** A request with `lines` before those that count. */
const preceded = (lines: string): string => upgradeRequest().replace("Host:", `${lines}Host:`);

refuses("attack 1: more headers than the parser keeps", [
  ["1 000 short ones", preceded(manyHeaders(1_000)), 400, 431],
  ["1 100 of two bytes", preceded("a:\r\n".repeat(1_100)), 400, 431],
  ["2 000", preceded(manyHeaders(2_000)), 400, 431],
  ["behind the key", upgradeRequest().replace(/\r\n\r\n$/, `\r\n${manyHeaders(2_000)}\r\n`), 400, 431],
]);

refuses("attack 2: one huge header, a huge URI", [
  ["a header", upgradeRequest("/", { "X-A": "a".repeat(1_000_000) }), 431],
  ["a name", upgradeRequest("/", { ["a".repeat(100_000)]: "a" }), 431],
  ["a URI", upgradeRequest(`/${"a".repeat(10_000)}`), 414],
]);

it("attack 3: strings that blow up regular expressions are judged in linear time", async () => {
  const { port, bystander } = await target();
  const strings = ["a,".repeat(3_900), " ".repeat(7_800), `a${" ".repeat(7_800)}b`, `a;a="${"\\".repeat(7_700)}`];
  const started = performance.now();
  for (const name of ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Connection", "Upgrade", "Origin"]) {
    for (const value of strings) {
      const raw = await dial(port);
      await raw.write(upgradeRequest("/", { [name]: value }));
      expect([101, 400, 403, 426]).toContain(statusOf(await raw.head()));
      raw.socket.destroy();
    }
  }
  expect(performance.now() - started).toBeLessThan(2_000);
  await expectAlive(bystander);
});

it("attack 4: extensions and parameters with names of the language are unknown ones", async () => {
  const { port, bystander } = await target();
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    for (const value of [name, `${name}; ${name}=1`, `x; ${name}`, `permessage-deflate; ${name}`]) {
      const raw = await dial(port);
      await raw.write(upgradeRequest(`/?${name}=1`, { "Sec-WebSocket-Extensions": value }));
      const head = await raw.head();
      expect(statusOf(head)).toBe(101);
      expect(head.toLowerCase()).not.toContain("extensions");
      raw.socket.destroy();
    }
    const raw = await dial(port);
    await raw.write(upgradeRequest("/", { "Sec-WebSocket-Protocol": name }));
    expect(statusOf(await raw.head())).toBe(101);
  }
  await expectAlive(bystander);
});

refuses("attack 5: keys and hosts", [
  ["twice the same key", upgradeRequest("/", { "sec-websocket-key": KEY }), 400],
  ["two keys", upgradeRequest("/", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" }), 400],
  ["no key", upgradeRequest("/", { "Sec-WebSocket-Key": undefined }), 400],
  ["no base64", upgradeRequest("/", { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" }), 400],
  ["15 bytes", upgradeRequest("/", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA" }), 400],
  ["17 bytes", upgradeRequest("/", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA=" }), 400],
  ["an empty key", upgradeRequest("/", { "Sec-WebSocket-Key": "" }), 400],
  ["two hosts", upgradeRequest("/", { host: "other.test" }), 400],
  ["no host", upgradeRequest("/", { Host: undefined }), 400],
  ["an ill-formed host", upgradeRequest("/", { Host: "a b" }), 400],
]);

refuses("attack 6: versions, methods, bodies", [
  ["HTTP/1.0", upgradeRequest("/", {}, "GET / HTTP/1.0"), 400],
  ["POST", upgradeRequest("/", {}, "POST / HTTP/1.1"), 405],
  ["another version", upgradeRequest("/", { "Sec-WebSocket-Version": "12" }), 426],
  ["two versions", upgradeRequest("/", { "sec-websocket-version": "13" }), 426],
  ["no version", upgradeRequest("/", { "Sec-WebSocket-Version": undefined }), 426],
  ["a body", `${upgradeRequest("/", { "Content-Length": "5" })}hello`, 400],
  ["a chunked body", `${upgradeRequest("/", { "Transfer-Encoding": "chunked" })}0\r\n\r\n`, 400],
  ["both", `${upgradeRequest("/", { "Transfer-Encoding": "chunked", "Content-Length": "5" })}0\r\n\r\n`, 400],
  ["no HTTP at all", "\x16\x03\x01\0\xa5 hello there\r\n\r\n", 400],
]);

it("attack 7: a handshake that comes byte by byte is cut at timeout", async () => {
  const { port } = await listen(ECHO, {}, { timeout: 0.1 });
  const bystander = await upgraded(port);
  const raw = await dial(port);
  const request = `${upgradeRequest().slice(0, -2)}X-A: ${"b".repeat(6_000)}`;
  for (let at = 0; at < request.length && raw.received === ""; at++) {
    await raw.write(request[at]!);
    // Somebody else's round trip is the pace.
    await expectAlive(bystander);
  }
  expect(statusOf(await raw.rest())).toBe(408);
});

it("attack 8: frames in the packet of the request are handled after onOpen, none lost", async () => {
  const { port } = await listen({
    onOpen: () => new Promise((resolve) => setImmediate(() => resolve("open"))),
    onMessage: (_caller, message) => message,
  });
  const raw = await dial(port);
  const peer = new FramePeer(raw, "client");
  const frames = peer.encode({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" });
  const request = new TextEncoder().encode(upgradeRequest());
  await raw.write(new Uint8Array([...request, ...frames, ...frames.subarray(0, 3)]));
  await raw.write(frames.subarray(3));
  expect(statusOf(await raw.head())).toBe(101);
  const heard = [];
  for (let i = 0; i < 5; i++) heard.push(await peer.nextText());
  expect(heard).toEqual(["open", "a", "b", "a", "b"]);
});

it("attack 8: and those in the packet of the answer reach the client, byte by byte too", async () => {
  for (const size of [1, 7, 1_000]) {
    const url = await server(async (peer, request) => {
      const frames = peer.encode({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" });
      const bytes = new Uint8Array([...new TextEncoder().encode(switching(request)), ...frames]);
      for (let at = 0; at < bytes.length; at += size) await peer.raw.write(bytes.slice(at, at + size));
    });
    const client = await connect(url);
    expect([await client.readMessage(), await client.readMessage()]).toEqual(["a", "b"]);
  }
});

it("attack 9: a client that leaves while the service thinks: no 101, the signal aborted, nothing open", async () => {
  const { listener, port, bystander } = await target();
  const [asked, left, answer] = [deferred(), deferred(), deferred<UpgradeResult>()];
  listener.attach("/auth", {
    get: (request) => {
      request.signal.addEventListener("abort", () => left.resolve());
      asked.resolve();
      return answer.promise;
    },
  });
  const raw = await dial(port);
  await raw.write(upgradeRequest("/auth"));
  await asked.promise;
  raw.socket.end();
  await left.promise;
  answer.resolve(ECHO);
  expect(await raw.rest()).toBe("");
  expect(listener.stats()).toMatchObject({ open: 1, opened: 1, left: 1 });
  await expectAlive(bystander);
});

refuses("attack 10: foreign origins", [
  ["a foreign one", upgradeRequest("/", { Origin: "https://evil.test" }), 403],
  ["null", upgradeRequest("/", { Origin: "null" }), 403],
  ["two", upgradeRequest("/", { Origin: "http://hawser.test", origin: "https://evil.test" }), 403],
  ["one that looks like ours", upgradeRequest("/", { Origin: "http://hawser.test.evil.test" }), 403],
]);

it("attack 10: none is no page's", async () => {
  const { port } = await target();
  await expectAlive(await upgraded(port, "/", { Origin: undefined }));
});

it("attack 11: CR and LF are refused before anything is written", async () => {
  const { bystander } = await target();
  const evil = "a\r\nX-Evil: 1";
  const listener = await listen(ECHO, {}, { onError() {} });
  listener.attach("/protocol", { get: () => ECHO, subProtocols: () => evil });
  listener.attach("/header", {
    get: (_request, { headers }) => {
      headers.set("x-a", evil);
      return ECHO;
    },
  });
  for (const path of ["/protocol", "/header"]) {
    const { status, answer } = await answerTo(listener.port, upgradeRequest(path, { "Sec-WebSocket-Protocol": "a" }));
    expect([path, status]).toEqual([path, 500]);
    expect(answer).not.toContain("Evil");
  }
  await expectAlive(bystander);
});

it("attack 11: nor does a client write them", async () => {
  const { listener } = await target();
  for (
    const config of [{ subProtocols: ["a\r\nb"] }, { customHeaders: { "x-a": "a\r\nb: c" } }, {
      customHeaders: { "x\r\na": "b" },
    }, { origin: "a\r\nb" }]
  ) {
    expect(await failure(() => connect(listener.url, config))).toBeInstanceOf(TypeError);
  }
});

refuses("attack 12: targets", [
  ["bad percent-encoding", upgradeRequest("/%"), 400],
  ["no UTF-8", upgradeRequest("/%ff"), 400],
  ["a NUL", upgradeRequest("/%00"), 404],
  ["an absolute form elsewhere", upgradeRequest("http://evil.test/none"), 400, 404],
  ["no scheme", upgradeRequest("evil"), 400, 404],
  ["dots", upgradeRequest("/../../etc/passwd"), 404],
  ["slashes", upgradeRequest("//evil.test/none"), 404],
  ["an asterisk", upgradeRequest("*"), 400, 404],
  ["another scheme", upgradeRequest("javascript:alert(1)"), 400, 404],
]);

describe("a hostile answer", () => {
  it.each<[string, string]>([
    ["attack 5: the accept key of another key", switching("sec-websocket-key: AAAA\r\n")],
    ["attack 5: two accept keys", switching("", "Sec-WebSocket-Accept: AAAA\r\n")],
    ["attack 2: a head without end", `HTTP/1.1 101 OK\r\n${"X-A: b\r\n".repeat(40_000)}`],
    ["attack 2: a line without end", `HTTP/1.1 101 ${"a".repeat(300_000)}`],
    ["attack 1: very many headers", `HTTP/1.1 101 OK\r\n${"a:\r\n".repeat(5_000)}\r\n`],
    ["attack 6: HTTP/1.0", "HTTP/1.0 101 OK\r\n\r\n"],
    ["attack 6: no HTTP at all", "SSH-2.0-OpenSSH_9.9\r\n\r\n"],
    ["attack 11: a folded header", "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n b\r\n\r\n"],
  ])("%s: refused, and hung up on", async (_what, answer) => {
    const gone = deferred();
    const url = await server(async (peer) => {
      peer.raw.socket.on("error", () => {});
      void peer.raw.write(answer);
      await peer.raw.rest();
      gone.resolve();
    });
    expect(await failure(connect(url))).toBeInstanceOf(InvalidHandshakeError);
    await gone.promise;
  });
});
