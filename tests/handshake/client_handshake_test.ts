import { describe, expect, it } from "vitest";
import { InvalidHandshakeError } from "../../src/errors.ts";
import { acceptKey, isValidKey } from "../../src/handshake/accept_key.ts";
import {
  type HandshakeExpectation,
  type HandshakeOffer,
  judgeAnswer,
  serializeOffer,
  unreadableAnswer,
} from "../../src/handshake/client_handshake.ts";
import { HttpHeadError, requestHeadParser, responseHeadParser } from "../../src/handshake/http_head.ts";
import { answerUpgrade, isRefusal, judgeRequest } from "../../src/handshake/server_handshake.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const DEFLATE = { name: "permessage-deflate", parameters: [{ name: "client_max_window_bits", value: undefined }] };

function offer(url: string, more: Partial<HandshakeOffer> = {}): string {
  return String.fromCharCode(...serializeOffer({ url: new URL(url), key: KEY, ...more }));
}

function linesOf(url: string, more: Partial<HandshakeOffer> = {}): string[] {
  return offer(url, more).split("\r\n");
}

describe("serializeOffer", () => {
  it("writes the request of RFC 6455 §1.2", () => {
    expect(offer("ws://server.example.com/chat", {
      protocols: ["chat", "superchat"],
      origin: "http://example.com",
    })).toBe(
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://example.com\r\n\r\n",
    );
  });

  it.each([
    ["ws://h", "GET / HTTP/1.1", "Host: h"],
    ["ws://h:80/", "GET / HTTP/1.1", "Host: h"],
    ["wss://h:443/a", "GET /a HTTP/1.1", "Host: h"],
    ["ws://h:443/a?b=c&d", "GET /a?b=c&d HTTP/1.1", "Host: h:443"],
    ["wss://h:80/?", "GET / HTTP/1.1", "Host: h:80"],
    ["http://H:8080//x", "GET //x HTTP/1.1", "Host: h:8080"],
    ["https://[::1]:9/ä b", "GET /%C3%A4%20b HTTP/1.1", "Host: [::1]:9"],
  ])("asks %j for the right target and host", (url, start, host) => {
    expect(linesOf(url).slice(0, 2)).toEqual([start, host]);
  });

  it("offers extensions", () => {
    const extensions = [{ ...DEFLATE }, { name: "permessage-deflate", parameters: [] }];
    expect(linesOf("ws://h", { extensions }))
      .toContain("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, permessage-deflate");
  });

  it("adds custom headers, from a Headers or pairs", () => {
    expect(linesOf("ws://h", { headers: new Headers({ "X-A": "b" }) })).toContain("x-a: b");
    expect(linesOf("ws://h", { headers: [["X-A", "1"], ["X-A", "2"], ["Origin", "null"]] }))
      .toEqual(expect.arrayContaining(["X-A: 1", "X-A: 2", "Origin: null"]));
  });

  it.each([
    "Host",
    "upgrade",
    "CONNECTION",
    "Sec-WebSocket-Key",
    "sec-websocket-version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
    "Expect",
  ])("C6: refuses the custom header %s by name", (name) => {
    expect(() => offer("ws://h", { headers: [["X-A", "b"], [name, "c"]] }))
      .toThrow(new TypeError(`Cannot send the header "${name}": it belongs to the handshake`));
  });

  it("refuses Origin twice", () => {
    expect(() => offer("ws://h", { origin: "http://a", headers: [["ORIGIN", "http://b"]] })).toThrow(/"Origin"/);
  });

  it.each(["\r\nX: y", "\n", "\0"])("attack 11: refuses %j in what the caller gives", (evil) => {
    expect(() => offer("ws://h", { headers: [["X-A", evil]] })).toThrow(/^Cannot write the header "X-A"/);
    expect(() => offer("ws://h", { headers: [[`X${evil}`, "a"]] })).toThrow(TypeError);
    expect(() => offer("ws://h", { origin: `http://a${evil}` })).toThrow(/^Cannot write the header "Origin"/);
    expect(() => offer("ws://h", { protocols: [`a${evil}`] })).toThrow(TypeError);
    expect(() => offer("ws://h", { extensions: [{ name: `a${evil}`, parameters: [] }] })).toThrow(TypeError);
  });

  it("U4: refuses sub-protocols that are ill-formed or repeated", () => {
    expect(() => offer("ws://h", { protocols: ["a b"] })).toThrow(TypeError);
    expect(() => offer("ws://h", { protocols: ["a", "a"] })).toThrow(TypeError);
  });

  it("C1: refuses a URL with a user, a fragment or a foreign scheme, and tells no password", () => {
    expect(() => offer("ws://ada@h")).toThrow(TypeError);
    expect(() => offer("ws://:secret@h")).toThrow(TypeError);
    expect(() => offer("ws://ada:secret@h")).not.toThrow(/secret/);
    expect(() => offer("ws://h/#x")).toThrow("Cannot connect: the URL has a fragment");
    expect(() => offer("ws://h/#")).toThrow("Cannot connect: the URL has a fragment");
    expect(() => offer("ftp://h/")).toThrow(/the scheme "ftp:" is not/);
  });
});

const GOOD = {
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Accept": ACCEPT,
};

function judge(
  headers: Record<string, string | undefined>,
  expected: Partial<HandshakeExpectation> = {},
  status = 101,
  version = "1.1",
) {
  const lines = Object.entries({ ...GOOD, ...headers }).filter((line): line is [string, string] =>
    line[1] !== undefined
  );
  const head = { status, reason: "", version, headers: new Headers(lines) };
  return judgeAnswer(head, { accept: ACCEPT, ...expected }, () => Promise.resolve("the body"));
}

function problemOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    return (error as InvalidHandshakeError).message.replace("Cannot open the WebSocket: ", "");
  }
  throw new Error("It was accepted");
}

describe("judgeAnswer", () => {
  it("takes a good answer", () => {
    expect(judge({})).toEqual({ protocol: "", extensions: [] });
    expect(judge({ "Upgrade": "WebSocket", "Connection": "keep-alive, UPGRADE" })).toEqual({
      protocol: "",
      extensions: [],
    });
    expect(
      judge({ "Sec-WebSocket-Protocol": "b", "Sec-WebSocket-Extensions": "permessage-deflate; x=1" }, {
        protocols: ["a", "b"],
        extensions: [DEFLATE],
      }),
    ).toEqual({
      protocol: "b",
      extensions: [{ name: "permessage-deflate", parameters: [{ name: "x", value: "1" }] }],
    });
  });

  it.each<[string, Record<string, string | undefined>, Partial<HandshakeExpectation>, string]>([
    ["no Upgrade", { "Upgrade": undefined }, {}, 'the answer has no "Upgrade: websocket"'],
    ["another Upgrade", { "Upgrade": "h2c" }, {}, 'the answer has no "Upgrade: websocket"'],
    ["no Connection", { "Connection": undefined }, {}, 'the answer has no "Connection: Upgrade"'],
    ["another Connection", { "Connection": "close" }, {}, 'the answer has no "Connection: Upgrade"'],
    ["no accept", { "Sec-WebSocket-Accept": undefined }, {}, 'the answer has no "Sec-WebSocket-Accept"'],
    ["a wrong accept", { "Sec-WebSocket-Accept": KEY }, {}, 'the answer has a wrong "Sec-WebSocket-Accept"'],
    [
      "an accept in other letters",
      { "Sec-WebSocket-Accept": ACCEPT.toLowerCase() },
      {},
      'the answer has a wrong "Sec-WebSocket-Accept"',
    ],
    [
      "two accepts",
      { "Sec-WebSocket-Accept": `${ACCEPT}, ${ACCEPT}` },
      {},
      'the answer has a wrong "Sec-WebSocket-Accept"',
    ],
    [
      "a foreign extension",
      { "Sec-WebSocket-Extensions": "foo" },
      { extensions: [DEFLATE] },
      'the server chose the extension "foo", which was not offered',
    ],
    [
      "attack 4: an inherited extension",
      { "Sec-WebSocket-Extensions": "constructor" },
      {},
      'the server chose the extension "constructor", which was not offered',
    ],
    ["ill-formed extensions", { "Sec-WebSocket-Extensions": ";" }, {}, "the server answered ill-formed extensions"],
    [
      "U4: a foreign protocol",
      { "Sec-WebSocket-Protocol": "b" },
      { protocols: ["a"] },
      'the server chose the sub-protocol "b", which was not offered',
    ],
    [
      "U4: a protocol nobody asked for",
      { "Sec-WebSocket-Protocol": "b" },
      {},
      'the server chose the sub-protocol "b", which was not offered',
    ],
    ["U4: no protocol", {}, { protocols: ["a"] }, "the server chose none of the sub-protocols offered"],
  ])("C8: refuses %s", (_name, headers, expected, problem) => {
    expect(problemOf(() => judge(headers, expected))).toBe(problem);
  });

  it("C8: refuses a 101 in HTTP/1.0", () => {
    expect(problemOf(() => judge({}, {}, 101, "1.0"))).toBe("the server switched protocols in HTTP/1.0");
  });

  it.each([200, 301, 401, 404, 426, 500])("C8: refuses status %i, with its headers and body", async (status) => {
    const error = (() => {
      try {
        return judge({ "Retry-After": "1" }, {}, status);
      } catch (thrown) {
        return thrown;
      }
    })() as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.code).toBe("ERR_HANDSHAKE_REJECTED");
    expect(error.message).toBe(`Cannot open the WebSocket: the server answered with status ${status}`);
    expect(error.status).toBe(status);
    expect(error.headers.get("retry-after")).toBe("1");
    expect(await error.body()).toBe("the body");
  });

  it("C8: a 101 has no body, and its reader is not called", async () => {
    try {
      judge({ "Upgrade": undefined });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidHandshakeError);
      expect(await (error as InvalidHandshakeError).body()).toBe("");
      expect((error as InvalidHandshakeError).status).toBe(101);
    }
  });
});

it("unreadableAnswer keeps its cause", async () => {
  const cause = new HttpHeadError("x", "malformed");
  const error = unreadableAnswer(cause);
  expect(error).toBeInstanceOf(InvalidHandshakeError);
  expect(error.cause).toBe(cause);
  expect(error.status).toBe(0);
  expect(await error.body()).toBe("");
});

it("both halves shake hands over bytes", async () => {
  expect(isValidKey(KEY)).toBe(true);
  const request = requestHeadParser().receive(
    serializeOffer({ url: new URL("ws://h/x"), key: KEY, protocols: ["a", "b"], extensions: [DEFLATE] }),
  );
  const terms = judgeRequest({ method: "GET", httpVersion: "1.1", headers: request?.head.headers ?? new Headers() });
  if (isRefusal(terms)) return expect.unreachable(terms.message);
  expect(terms.extensions).toEqual([DEFLATE]);
  const answer = responseHeadParser().receive(
    answerUpgrade({ accept: await acceptKey(terms.key), protocol: "b" }),
  );
  const expected = { accept: await acceptKey(KEY), protocols: ["a", "b"], extensions: [DEFLATE] };
  expect(answer && judgeAnswer(answer.head, expected, () => Promise.resolve(""))).toEqual({
    protocol: "b",
    extensions: [],
  });
});
