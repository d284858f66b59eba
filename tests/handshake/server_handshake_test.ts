import { describe, expect, it } from "vitest";
import { responseHeadParser } from "../../src/handshake/http_head.ts";
import type { Refusal } from "../../src/handshake/refusal.ts";
import {
  answerUpgrade,
  type HandshakeRequest,
  isRefusal,
  judgeRequest,
  MAX_REFUSAL_BODY,
  reasonOf,
  refusalResponse,
  serializeRefusal,
  serializeRejection,
} from "../../src/handshake/server_handshake.ts";
import { growth, LINEAR } from "./growth.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const GOOD: readonly [string, string][] = [
  ["Host", "server.example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", KEY],
  ["Sec-WebSocket-Version", "13"],
];

/** The good request with some headers replaced (left out when undefined) and more of its parts changed. */
function judge(headers: Record<string, string | undefined> = {}, more: Partial<HandshakeRequest> = {}) {
  const lines = new Headers(GOOD as [string, string][]);
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) lines.delete(name);
    else lines.set(name, value);
  }
  return judgeRequest({ method: "GET", httpVersion: "1.1", headers: lines, ...more });
}

function statusOf(verdict: ReturnType<typeof judge>): number {
  return isRefusal(verdict) ? verdict.status : 101;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

describe("judgeRequest", () => {
  it("takes the request of RFC 6455 §1.2", () => {
    expect(judge({ "Origin": "http://example.com", "Sec-WebSocket-Protocol": "chat, superchat" })).toEqual({
      key: KEY,
      protocols: ["chat", "superchat"],
      extensions: [],
      host: "server.example.com",
      origin: "http://example.com",
    });
  });

  it.each<[string, Record<string, string>]>([
    ["any case", { "Upgrade": "WebSocket", "Connection": "UPGRADE" }],
    ["lists", { "Upgrade": "h2c, HTTP/2.0, websocket", "Connection": "keep-alive, Upgrade" }],
    ["an empty body", { "Content-Length": "0" }],
    ["a port", { "Host": "h:8080" }],
  ])("takes %s", (_name, headers) => expect(statusOf(judge(headers))).toBe(101));

  it("takes any lookup in place of a Headers", () => {
    const lines = new Map(GOOD.map(([name, value]) => [name.toLowerCase(), value]));
    const headers = { get: (name: string) => lines.get(name) ?? null };
    expect(judgeRequest({ method: "GET", httpVersion: "1.1", headers })).toMatchObject({ key: KEY, origin: null });
  });

  it.each(["POST", "HEAD", "OPTIONS", "CONNECT", "get", ""])(
    "L7, attack 6: refuses the method %j with 405",
    (method) => {
      expect(judge({}, { method })).toMatchObject({ status: 405, headers: [["Allow", "GET"]] });
    },
  );

  it.each(["1.0", "0.9", "2.0", "", "1.1.1"])("attack 6: refuses HTTP/%s", (httpVersion) => {
    expect(statusOf(judge({}, { httpVersion }))).toBe(400);
  });

  it.each([undefined, "", "12", "14", "8", "013", "13.0", "13, 13", "13, 8", "constructor"])(
    "L7, attack 6: refuses the version %j with 426 and the version it speaks",
    (version) => {
      expect(judge({ "Sec-WebSocket-Version": version })).toMatchObject({
        status: 426,
        headers: [["Sec-WebSocket-Version", "13"], ["Upgrade", "websocket"], ["Connection", "Upgrade"]],
      });
    },
  );

  it.each([undefined, "", "abc", `${KEY}, ${KEY}`, "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", `${KEY}=`])(
    "L7, attack 5: refuses the key %j with 400",
    (key) => expect(statusOf(judge({ "Sec-WebSocket-Key": key }))).toBe(400),
  );

  it.each([undefined, "", "a, b", "server.example.com, server.example.com", "a/b", "u@h", "h:x"])(
    "attack 5: refuses the host %j with 400",
    (host) => expect(statusOf(judge({ "Host": host }))).toBe(400),
  );

  it("attack 5: refuses two Host headers, even when they are equal", () => {
    const headers = new Headers([...GOOD, ["Host", "server.example.com"]] as [string, string][]);
    expect(statusOf(judgeRequest({ method: "GET", httpVersion: "1.1", headers }))).toBe(400);
  });

  it.each([undefined, "", "h2c", "websockets", "websocket/13", "web socket", "(websocket)"])(
    "L7: refuses the Upgrade %j with 400",
    (upgrade) => expect(statusOf(judge({ "Upgrade": upgrade }))).toBe(400),
  );

  it.each([undefined, "", "close", "keep-alive", "upgraded", "upgrade keep-alive", "Upgrade, ("])(
    "L7: refuses the Connection %j with 400",
    (connection) => expect(statusOf(judge({ "Connection": connection }))).toBe(400),
  );

  it.each<[string, Record<string, string>, boolean | undefined]>([
    ["Content-Length: 1", { "Content-Length": "1" }, undefined],
    ["an ill-formed Content-Length", { "Content-Length": "0, 0" }, undefined],
    ["Transfer-Encoding", { "Transfer-Encoding": "chunked" }, undefined],
    ["bytes nobody told of", {}, true],
  ])("attack 6: refuses a body: %s", (_name, headers, hasBody) => {
    expect(statusOf(judge(headers, hasBody === undefined ? {} : { hasBody }))).toBe(400);
    expect(statusOf(judge({}, { hasBody: false }))).toBe(101);
  });

  it("attack 1: what a header limit cuts off is a refusal, never a throw", () => {
    const keeps = (count: number) =>
      statusOf(judgeRequest({
        method: "GET",
        httpVersion: "1.1",
        headers: new Headers(GOOD.slice(0, count) as [string, string][]),
      }));
    expect([0, 1, 2, 3, 4, 5].map(keeps)).toEqual([400, 400, 400, 426, 426, 101]);
    for (const [name] of GOOD) expect(statusOf(judge({ [name]: undefined }))).not.toBe(101);
  });

  it.each(["", ",", "a b", "a, a", "a;b", "\u00e4"])("attack 3: refuses the sub-protocols %j with 400", (header) => {
    expect(statusOf(judge({ "Sec-WebSocket-Protocol": header }))).toBe(400);
  });

  it.each(["", ";", "a;b=", 'a;b="', "a b"])("attack 3: refuses the extensions %j with 400", (header) => {
    expect(statusOf(judge({ "Sec-WebSocket-Extensions": header }))).toBe(400);
  });

  it.each(["sec-websocket-protocol", "sec-websocket-extensions", "connection", "upgrade", "host", "sec-websocket-key"])(
    "attack 3: a hostile %s takes linear time",
    (name) => {
      const run = (value: string) => {
        const lines = new Map(GOOD.map(([key, good]) => [key.toLowerCase(), good])).set(name, value);
        judgeRequest({ method: "GET", httpVersion: "1.1", headers: { get: (key) => lines.get(key) ?? null } });
      };
      expect(growth(24_000, (size) => `a${" ".repeat(size / 2)}${",".repeat(size / 2)}x`, run)).toBeLessThan(LINEAR);
      expect(growth(24_000, (size) => `a; b="${"\\a".repeat(size / 2)}`, run)).toBeLessThan(LINEAR);
    },
  );

  it("attack 4: extensions that objects inherit are offers like any other, and are declined by silence", () => {
    const terms = judge({ "Sec-WebSocket-Extensions": "constructor; __proto__=1, __proto__, permessage-deflate" });
    if (isRefusal(terms)) return expect.unreachable();
    expect(terms.extensions.map(({ name }) => name)).toEqual(["constructor", "__proto__", "permessage-deflate"]);
    expect(text(answerUpgrade({ accept: ACCEPT }))).not.toMatch(/extensions/i);
  });

  it("says one plain sentence and repeats nothing of the request", () => {
    for (const name of ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"]) {
      const refusal = judge({ [name]: "<script>" }) as Refusal;
      expect(refusal.message).toMatch(/^[A-Z][\w ,"/.-]+$/);
      expect(refusal.message).not.toContain("script");
    }
  });
});

describe("answerUpgrade", () => {
  it("writes the answer of RFC 6455 §1.3", () => {
    expect(text(answerUpgrade({ accept: ACCEPT, protocol: "chat" }))).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
    );
  });

  it("adds headers, Set-Cookie as often as it is there, and the key's answer as it is handed in", () => {
    const headers = new Headers([["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
    headers.append("X-A", "b");
    const lines = text(answerUpgrade({ accept: "SHA", headers })).split("\r\n");
    expect(lines.slice(0, 4)).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: SHA",
    ]);
    // Where Set-Cookie stands among the others, the runtimes do not agree.
    expect(lines.slice(4).sort()).toEqual(["", "", "set-cookie: a=1", "set-cookie: b=2", "x-a: b"]);
  });

  it.each(["a\r\nX: y", "a\nb", "a\0", "a b", "", "a,b"])(
    "attack 11: refuses the sub-protocol %j",
    (protocol) => {
      expect(() => answerUpgrade({ accept: ACCEPT, protocol })).toThrow(TypeError);
    },
  );

  it.each(["a\r\nX: y", "a\nb", "a\0", "\u560d\u560a"])("attack 11: refuses the header value %j", (value) => {
    expect(() => answerUpgrade({ accept: ACCEPT, headers: [["X-A", value]] })).toThrow(
      /^Cannot write the header "X-A"/,
    );
    expect(() => answerUpgrade({ accept: ACCEPT, headers: [[value, "a"]] })).toThrow(TypeError);
  });

  it.each([
    "Upgrade",
    "connection",
    "SEC-WEBSOCKET-ACCEPT",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
  ])(
    "refuses the header %s, which is the handshake's",
    (name) => {
      expect(() => answerUpgrade({ accept: ACCEPT, headers: [[name, "x"]] }))
        .toThrow(new TypeError(`Cannot answer the upgrade: the header "${name}" belongs to the handshake`));
    },
  );
});

const REFUSAL: Refusal = { status: 405, headers: [["Allow", "GET"]], message: "Größe" };

describe("refusals", () => {
  it("become a Response", async () => {
    const response = refusalResponse(REFUSAL);
    expect([response.status, response.statusText, response.headers.get("allow"), await response.text()])
      .toEqual([405, "Method Not Allowed", "GET", "Größe"]);
  });

  it("become bytes that end the connection", () => {
    expect(text(serializeRefusal(REFUSAL))).toBe(
      "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain;charset=utf-8\r\nAllow: GET\r\n" +
        `Connection: close\r\nContent-Length: 7\r\n\r\n${text(new TextEncoder().encode("Größe"))}`,
    );
  });

  it("L7: a 426 says Connection: Upgrade too, both ways", async () => {
    const refusal = judge({ "Sec-WebSocket-Version": "8" }) as Refusal;
    for (const bytes of [serializeRefusal(refusal), await serializeRejection(refusalResponse(refusal))]) {
      const head = responseHeadParser().receive(bytes)?.head;
      expect(head?.status).toBe(426);
      expect(head?.reason).toBe("Upgrade Required");
      expect(head?.headers.get("connection")).toBe("Upgrade, close");
      expect(head?.headers.get("upgrade")).toBe("websocket");
      expect(head?.headers.get("sec-websocket-version")).toBe("13");
    }
  });

  it("every status that a refusal of ours has a reason phrase", () => {
    expect([400, 405, 426].map(reasonOf)).toEqual(["Bad Request", "Method Not Allowed", "Upgrade Required"]);
    expect(reasonOf(799)).toBe("");
  });
});

async function rejection(response: Response, omitBody?: boolean) {
  const parsed = responseHeadParser().receive(await serializeRejection(response, omitBody));
  if (parsed === undefined) throw new Error("There is no whole head");
  return { ...parsed.head, body: text(parsed.rest) };
}

describe("serializeRejection", () => {
  it("writes status, headers, length and body", async () => {
    const headers = new Headers([["WWW-Authenticate", "Basic"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
    const bytes = await serializeRejection(new Response("no", { status: 401, headers }));
    expect(text(bytes)).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/);
    expect(text(bytes)).toContain("set-cookie: a=1\r\nset-cookie: b=2\r\n");
    expect(text(bytes)).toContain("www-authenticate: Basic\r\n");
    expect(text(bytes)).toMatch(/Connection: close\r\nContent-Length: 2\r\n\r\nno$/);
  });

  it("keeps the Response's own reason", async () => {
    expect(await rejection(new Response("", { status: 403, statusText: "Keep out" }))).toMatchObject({
      reason: "Keep out",
    });
  });

  it("tells its own length, and how the connection goes on, whatever the Response says", async () => {
    const headers = {
      "Content-Length": "9",
      "Transfer-Encoding": "chunked",
      "Connection": "keep-alive",
      "Keep-Alive": "timeout=5",
    };
    const { headers: written, body } = await rejection(new Response("no", { status: 400, headers }));
    expect(written.get("content-length")).toBe("2");
    expect(written.get("connection")).toBe("close");
    expect(written.has("transfer-encoding")).toBe(false);
    expect(written.has("keep-alive")).toBe(false);
    expect(body).toBe("no");
  });

  it("sends at most 65 536 bytes of the body, and cancels the rest", async () => {
    const full = await rejection(new Response("x".repeat(MAX_REFUSAL_BODY), { status: 400 }));
    expect(full.body.length).toBe(65_536);
    expect(full.headers.get("content-length")).toBe("65536");
    const over = await rejection(new Response("x".repeat(MAX_REFUSAL_BODY + 1), { status: 400 }));
    expect(over.body.length).toBe(65_536);

    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
      cancel: () => {
        cancelled = true;
        throw new Error("not now");
      },
    });
    const cut = await rejection(new Response(endless, { status: 400 }));
    expect(cut.body.length).toBe(65_536);
    expect(cancelled).toBe(true);
  });

  it("passes on what is wrong with the body", async () => {
    const broken = new ReadableStream({ start: (controller) => controller.error(new Error("disk")) });
    await expect(serializeRejection(new Response(broken))).rejects.toThrow("disk");
  });

  it.each([204, 304])("writes no body and no length for %i", async (status) => {
    const { headers, body } = await rejection(new Response(null, { status }));
    expect(headers.has("content-length")).toBe(false);
    expect(body).toBe("");
  });

  it("only tells the length to a HEAD", async () => {
    const { headers, body } = await rejection(new Response("no", { status: 405 }), true);
    expect(headers.get("content-length")).toBe("2");
    expect(body).toBe("");
  });

  it("refuses Response.error()", async () => {
    await expect(serializeRejection(Response.error())).rejects.toThrow(RangeError);
  });
});
