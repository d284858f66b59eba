import { describe, expect, it } from "vitest";
import {
  type HeadLimits,
  type HeadParser,
  HttpHeadError,
  requestHeadParser,
  responseHeadParser,
  serializeRequest,
  serializeResponse,
} from "../../src/handshake/http_head.ts";
import { growth, LINEAR } from "./growth.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function text(array: Uint8Array): string {
  return String.fromCharCode(...array);
}

interface Seen {
  start: string;
  headers: [string, string][];
  rest: string;
}

/** Feeds the pieces until there is a head; what was not fed yet belongs to the rest. */
function feed(parser: HeadParser<{ headers: Headers }>, pieces: readonly Uint8Array[]): Seen | undefined {
  for (const [at, piece] of pieces.entries()) {
    const parsed = parser.receive(piece);
    if (parsed === undefined) continue;
    const { headers, ...start } = parsed.head;
    const rest = [parsed.rest, ...pieces.slice(at + 1)].map(text).join("");
    return { start: Object.values(start).join("|"), headers: [...headers], rest };
  }
  return undefined;
}

/** What `input` comes to whole, byte by byte, and cut in two at each place: the same each time. */
function everySplit(make: () => HeadParser<{ headers: Headers }>, input: string): Seen | string | undefined {
  const all = bytes(input);
  const run = (pieces: readonly Uint8Array[]): Seen | string | undefined => {
    try {
      return feed(make(), pieces);
    } catch (error) {
      if (!(error instanceof HttpHeadError)) throw error;
      return error.problem;
    }
  };
  const whole = run([all]);
  expect(run([...all].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  for (let at = 0; at <= all.length; at++) expect(run([all.slice(0, at), all.slice(at)])).toEqual(whole);
  return whole;
}

const request = (input: string, limits?: HeadLimits) => everySplit(() => requestHeadParser(limits), input);
const response = (input: string, limits?: HeadLimits) => everySplit(() => responseHeadParser(limits), input);

describe("responseHeadParser", () => {
  it("reads the answer of RFC 6455 §1.2 and hands the first frames back", () => {
    const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
    expect(response(`${answer}\x81\x05Hello\r\n\r\n`)).toEqual({
      start: "101|Switching Protocols|1.1",
      headers: [
        ["connection", "Upgrade"],
        ["sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
        ["sec-websocket-protocol", "chat"],
        ["upgrade", "websocket"],
      ],
      rest: "\x81\x05Hello\r\n\r\n",
    });
  });

  it.each([
    ["HTTP/1.1 404 Not Found\r\n\r\n", "404|Not Found|1.1"],
    ["HTTP/1.0 200 OK\r\n\r\n", "200|OK|1.0"],
    ["HTTP/1.1 200 \r\n\r\n", "200||1.1"],
    ["HTTP/1.1 200\r\n\r\n", "200||1.1"],
    ["HTTP/1.1 999 \xe4\t!\r\n\r\n", "999|\xe4\t!|1.1"],
  ])("reads %j", (input, start) => expect(response(input)).toEqual({ start, headers: [], rest: "" }));

  it("joins repeated headers, trims values, keeps Latin-1", () => {
    expect(response("HTTP/1.1 200 OK\r\nA: 1\r\na:2\r\nB: \t x y \t\r\nC:\r\nD: \x85\xa0\xe4\r\n\r\n")).toEqual({
      start: "200|OK|1.1",
      headers: [["a", "1, 2"], ["b", "x y"], ["c", ""], ["d", "\x85\xa0\xe4"]],
      rest: "",
    });
  });

  it("passes over interim answers, but not over 101", () => {
    const interim = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
    expect(response(`${interim}HTTP/1.1 403 No\r\nC: d\r\n\r\nbody`)).toEqual({
      start: "403|No|1.1",
      headers: [["c", "d"]],
      rest: "body",
    });
    expect(response(`${interim}HTTP/1.1 101 Yes\r\n\r\n`)).toEqual({ start: "101|Yes|1.1", headers: [], rest: "" });
  });

  it.each([
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 200OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.1 200 \x1b[31m\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "SSH-2.0-OpenSSH_9.6\r\n",
    "\x15\x03\x01\x00\x02\x02F",
  ])("refuses %j", (input) => expect(response(input)).toBe("malformed"));

  it("tells what is no HTTP at its first byte, before any line ends", () => {
    expect(() => responseHeadParser().receive(bytes("\x15"))).toThrow(/it starts with "\\u0015"/);
    expect(responseHeadParser().receive(bytes("HTT"))).toBeUndefined();
  });

  it("the rest is a view of the last chunk", () => {
    const chunk = bytes("HTTP/1.1 101 \r\n\r\nab");
    const rest = responseHeadParser().receive(chunk)?.rest;
    expect(rest?.buffer).toBe(chunk.buffer);
    expect(rest?.byteOffset).toBe(chunk.length - 2);
  });

  it("keeps no reference to an earlier chunk", () => {
    const parser = responseHeadParser();
    const chunk = bytes("HTTP/1.1 200 OK\r\nA: 1");
    parser.receive(chunk);
    chunk.fill(0);
    expect(parser.receive(bytes("2\r\n\r\n"))?.head.headers.get("a")).toBe("12");
  });
});

describe("requestHeadParser", () => {
  it("reads the request of RFC 6455 §1.2", () => {
    const head = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n\r\n";
    expect(request(`${head}\x81`)).toEqual({
      start: "GET|/chat|1.1",
      headers: [
        ["connection", "Upgrade"],
        ["host", "server.example.com"],
        ["origin", "http://example.com"],
        ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
        ["upgrade", "websocket"],
      ],
      rest: "\x81",
    });
  });

  it("attack 5: two Host headers stay visible", () => {
    expect(requestHeadParser().receive(bytes("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))?.head.headers.get("host"))
      .toBe("a, b");
  });

  it("attack 12: keeps any target of visible ASCII as it is", () => {
    for (const target of ["/%zz", "//x", "http://h/p", "*", "/a?b#c"]) {
      expect(request(`GET ${target} HTTP/1.1\r\n\r\n`)).toMatchObject({ start: `GET|${target}|1.1` });
    }
  });

  it.each([
    "GET / HTTP/1.1\n\n",
    "GET / HTTP/1.1\r\nA: b\n\r\n",
    "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
    "GET / HTTP/1.1\r\n A: b\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n\tc: d\r\n\r\n",
    "GET / HTTP/1.1\r\nA : b\r\n\r\n",
    "GET / HTTP/1.1\r\nA b\r\n\r\n",
    "GET / HTTP/1.1\r\n: b\r\n\r\n",
    "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
    "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n",
    "GET / HTTP/1.1\r\n\xe4: b\r\n\r\n",
    "GET /a b HTTP/1.1\r\n\r\n",
    "GET /\xe4 HTTP/1.1\r\n\r\n",
    "GET  HTTP/1.1\r\n\r\n",
    "GET HTTP/1.1\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / http/1.1\r\n\r\n",
    "GET /\r\n\r\n",
    "G(T / HTTP/1.1\r\n\r\n",
    " GET / HTTP/1.1\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\n\r\n",
  ])("refuses %j", (input) => expect(request(input)).toBe("malformed"));
});

describe("limits", () => {
  const head = "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n";

  it("the size is inclusive", () => {
    expect(request(`${head}rest`, { maxSize: head.length, maxHeaders: 9 })).toMatchObject({ rest: "rest" });
    expect(request(`${head}rest`, { maxSize: head.length - 1, maxHeaders: 9 })).toBe("too large");
  });

  it("the number of headers is inclusive", () => {
    expect(request(head, { maxSize: 999, maxHeaders: 2 })).toMatchObject({ rest: "" });
    expect(request(head, { maxSize: 999, maxHeaders: 1 })).toBe("too many headers");
  });

  it("interim answers count", () => {
    const interim = "HTTP/1.1 100 \r\nA: b\r\n\r\n";
    const last = "HTTP/1.1 200 \r\nC: d\r\n\r\n";
    const maxSize = interim.length + last.length;
    expect(response(interim + last, { maxSize, maxHeaders: 2 })).toMatchObject({ start: "200||1.1" });
    expect(response(interim + last, { maxSize: maxSize - 1, maxHeaders: 2 })).toBe("too large");
    expect(response(interim + last, { maxSize, maxHeaders: 1 })).toBe("too many headers");
  });

  it("are 65 536 bytes and 256 headers by default", () => {
    const start = "HTTP/1.1 200 \r\n";
    const filled = (size: number) => bytes(`${start}A:${"x".repeat(size - start.length - 6)}\r\n\r\n`);
    expect(filled(65_536).length).toBe(65_536);
    expect(responseHeadParser().receive(filled(65_536))).toBeDefined();
    expect(() => responseHeadParser().receive(filled(65_537))).toThrow("it is larger than 65536 bytes");

    const counted = (count: number) => bytes(`${start}${"A: b\r\n".repeat(count)}\r\n`);
    expect(responseHeadParser().receive(counted(256))).toBeDefined();
    expect(() => responseHeadParser().receive(counted(257))).toThrow("it has more than 256 headers");
  });

  it("a head that cannot end any more is refused without waiting for a further byte", () => {
    const parser = responseHeadParser({ maxSize: 20, maxHeaders: 1 });
    expect(() => parser.receive(bytes("HTTP/1.1 200 xxxxxxx"))).toThrow(HttpHeadError);
  });
});

it("a parser that has done its work refuses more", () => {
  const done = requestHeadParser();
  done.receive(bytes("GET / HTTP/1.1\r\n\r\n"));
  expect(() => done.receive(bytes("G"))).toThrow(TypeError);
  const failed = requestHeadParser();
  expect(() => failed.receive(bytes("\n"))).toThrow(HttpHeadError);
  expect(() => failed.receive(bytes("GET / HTTP/1.1\r\n\r\n"))).toThrow(TypeError);
});

describe("attack 3: a head takes linear time, whole and byte by byte", () => {
  const limits = { maxSize: 1 << 24, maxHeaders: 1 << 24 };
  it.each<[string, number, (size: number) => string]>([
    ["a long status line", 24_000, (size) => `HTTP/1.1 200 ${"x".repeat(size)}`],
    ["a long header", 24_000, (size) => `HTTP/1.1 200 \r\nA: ${" ".repeat(size)}`],
    // No more of them than is ours to judge: Bun 1.4's own `Headers` take time quadratic in their number.
    ["many headers", 6_000, (size) => `HTTP/1.1 200 \r\n${"A: b\r\n".repeat(size / 6)}`],
  ])("%s", (_name, most, make) => {
    expect(growth(most, (size) => bytes(make(size)), (input) => responseHeadParser(limits).receive(input)))
      .toBeLessThan(LINEAR);
    const drip = (input: Uint8Array): void => {
      const parser = responseHeadParser(limits);
      for (let at = 0; at < input.length; at++) parser.receive(input.subarray(at, at + 1));
    };
    expect(growth(most / 2, (size) => bytes(make(size)), drip)).toBeLessThan(LINEAR);
  });
});

describe("serializeRequest and serializeResponse", () => {
  it("write a request", () => {
    expect(text(serializeRequest("GET", "/a?b", [["Host", "h"], ["X-A", "\xe4"]])))
      .toBe("GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: \xe4\r\n\r\n");
  });

  it("write an answer with its body, and Set-Cookie as often as it is there", () => {
    const headers = new Headers([["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
    expect(text(serializeResponse(200, "", headers, bytes("\x00\xffbody"))))
      .toBe("HTTP/1.1 200 \r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n\x00\xffbody");
  });

  it("write what the parsers read", () => {
    expect(request(text(serializeRequest("GET", "/", [["A", "b"]])))).toEqual({
      start: "GET|/|1.1",
      headers: [["a", "b"]],
      rest: "",
    });
    expect(response(text(serializeResponse(404, "No", [["A", "b"]], bytes("x"))))).toEqual({
      start: "404|No|1.1",
      headers: [["a", "b"]],
      rest: "x",
    });
  });

  const breaking = ["\r", "\n", "\r\nX: y", "\0", "\x1b", "\x7f", "\u0100", "\u560d\u560a"];
  it.each(breaking)("attack 11: refuse %j in each part", (evil) => {
    expect(() => serializeResponse(200, `a${evil}`, [])).toThrow(TypeError);
    expect(() => serializeResponse(200, "", [["A", `b${evil}c`]])).toThrow(/^Cannot write the header "A": /);
    expect(() => serializeResponse(200, "", [[`A${evil}`, "b"]])).toThrow(/is no header name$/);
    expect(() => serializeRequest(`GET${evil}`, "/", [])).toThrow(TypeError);
    expect(() => serializeRequest("GET", `/${evil}`, [])).toThrow(TypeError);
    expect(() => serializeRequest("GET", "/", [["A", `b${evil}`]])).toThrow(TypeError);
  });

  it("refuse what is no method, target, name or status", () => {
    expect(() => serializeRequest("", "/", [])).toThrow(TypeError);
    expect(() => serializeRequest("GET", "", [])).toThrow(TypeError);
    expect(() => serializeRequest("GET", "/ x", [])).toThrow(TypeError);
    expect(() => serializeResponse(200, "", [["", "b"]])).toThrow(TypeError);
    expect(() => serializeResponse(200, "", [["A:", "b"]])).toThrow(TypeError);
    for (const status of [99, 1000, 200.5, NaN]) expect(() => serializeResponse(status, "", [])).toThrow(RangeError);
    for (const status of [100, 999]) expect(serializeResponse(status, "", [])).toBeInstanceOf(Uint8Array);
  });
});
