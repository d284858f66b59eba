import { describe, expect, it } from "vitest";

import {
  AuthError,
  AuthnError,
  AuthzError,
  type Closure,
  ConnectionClosureError,
  ConnectionError,
  CorruptedFrameError,
  describeClosure,
  HandshakeTimedOutError,
  InvalidContinuationFrameError,
  InvalidHandshakeError,
  PayloadBindingError,
  PayloadTooLargeError,
  PayloadValidationError,
  ProxyError,
  ReadTimedOutError,
  RequestError,
  SslError,
  UnsupportedError,
  UpgradeError,
  WebSocketError,
  WriteTimedOutError,
} from "../src/errors.ts";

const LOST: Closure = { code: 1006, reason: "", clean: false };
const ANSWER = { status: 403, headers: new Headers({ "x-why": "no" }), body: () => Promise.resolve("No entry") };

const ALL: readonly (readonly [WebSocketError, string, string])[] = [
  [new InvalidHandshakeError("m", ANSWER), "InvalidHandshakeError", "ERR_HANDSHAKE_REJECTED"],
  [new HandshakeTimedOutError("m"), "HandshakeTimedOutError", "ERR_HANDSHAKE_TIMED_OUT"],
  [new ProxyError("m", 407, new Headers()), "ProxyError", "ERR_PROXY"],
  [new UpgradeError(), "UpgradeError", "ERR_UPGRADE_REFUSED"],
  [new ConnectionError("m"), "ConnectionError", "ERR_CONNECTION"],
  [new ConnectionClosureError("m", LOST), "ConnectionClosureError", "ERR_CONNECTION_CLOSED"],
  [new CorruptedFrameError("m", 1002, "§5.2"), "CorruptedFrameError", "ERR_CORRUPTED_FRAME"],
  [new InvalidContinuationFrameError("m"), "InvalidContinuationFrameError", "ERR_INVALID_CONTINUATION"],
  [new PayloadTooLargeError("m", 2, 1), "PayloadTooLargeError", "ERR_PAYLOAD_TOO_LARGE"],
  [new RequestError("m", {}), "RequestError", "ERR_REQUEST"],
  [new ReadTimedOutError("m"), "ReadTimedOutError", "ERR_READ_TIMED_OUT"],
  [new WriteTimedOutError("m"), "WriteTimedOutError", "ERR_WRITE_TIMED_OUT"],
  [new SslError("m"), "SslError", "ERR_TLS"],
  [new AuthError("m"), "AuthError", "ERR_AUTH"],
  [new AuthnError("m"), "AuthnError", "ERR_UNAUTHENTICATED"],
  [new AuthzError("m"), "AuthzError", "ERR_UNAUTHORIZED"],
  [new PayloadBindingError("m"), "PayloadBindingError", "ERR_PAYLOAD_BINDING"],
  [new PayloadValidationError("m"), "PayloadValidationError", "ERR_PAYLOAD_VALIDATION"],
  [new UnsupportedError("m", "ping", "Deno"), "UnsupportedError", "ERR_UNSUPPORTED"],
];

describe("errors", () => {
  it.each(ALL)("%s has its name and its code", (error, name, code) => {
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error.name).toBe(name);
    expect(error.code).toBe(code);
    expect(error.stack).toContain("errors_test");
  });

  it("gives no two kinds the same code", () => {
    expect(new Set(ALL.map(([error]) => error.code)).size).toBe(ALL.length);
  });

  it("lets a caller catch the kind or what it is a kind of", () => {
    expect(new ConnectionClosureError("m", LOST)).toBeInstanceOf(ConnectionError);
    expect(new InvalidContinuationFrameError("m")).toBeInstanceOf(CorruptedFrameError);
    expect(new PayloadValidationError("m")).toBeInstanceOf(PayloadBindingError);
  });

  it("passes the cause on", () => {
    const cause = new Error("ECONNRESET");
    expect(new ConnectionError("m", { cause }).cause).toBe(cause);
    expect(new PayloadBindingError("m", [], { cause }).cause).toBe(cause);
    expect(new ConnectionClosureError("m", LOST, { cause }).cause).toBe(cause);
  });
});

describe("InvalidHandshakeError", () => {
  it("has the answer's status, headers and body", async () => {
    const error = new InvalidHandshakeError("Cannot connect: the server answered 403", ANSWER);
    expect([error.status, error.headers.get("x-why"), await error.body()]).toEqual([403, "no", "No entry"]);
  });
});

describe("UpgradeError", () => {
  it("is a 400 unless told otherwise", () => {
    expect(new UpgradeError().status).toBe(400);
    const busy = new UpgradeError(503, "Busy", { "retry-after": "5" });
    expect([busy.status, busy.message, busy.headers.get("retry-after")]).toEqual([503, "Busy", "5"]);
  });

  it.each([200, 101, 399, 600, 404.5, NaN])("refuses status %s", (status) => {
    expect(() => new UpgradeError(status)).toThrow(RangeError);
  });

  it.each([400, 599])("takes status %s", (status) => {
    expect(new UpgradeError(status).status).toBe(status);
  });
});

describe("RequestError", () => {
  it("carries what the server answered", () => {
    const reply = { id: "1", type: "error" };
    expect(new RequestError("m", reply).reply).toBe(reply);
  });
});

describe("ConnectionClosureError", () => {
  it("says the action, then how the connection ended", () => {
    const closure: Closure = { ...LOST, code: 1001, received: { code: 1001, reason: "going away" } };
    const error = new ConnectionClosureError("Cannot send", closure);
    expect(error.message).toBe('Cannot send: the peer closed with 1001 "going away"');
    expect(error.closure).toBe(closure);
  });

  it("has the closure's error for a cause", () => {
    const cause = new ConnectionError("reset");
    expect(new ConnectionClosureError("Cannot send", { ...LOST, error: cause }).cause).toBe(cause);
    expect("cause" in new ConnectionClosureError("Cannot send", LOST)).toBe(false);
  });
});

describe("describeClosure", () => {
  const sent = { code: 1000, reason: "" };
  const received = { code: 1001, reason: 'say "bye"' };

  it.each<[Partial<Closure>, string]>([
    [{}, "the connection was lost without a close frame"],
    [
      { error: new ConnectionError("Cannot connect: nobody is there") },
      "the connection failed: Cannot connect: nobody is there",
    ],
    [{ received }, 'the peer closed with 1001 "say \\"bye\\""'],
    [{ sent }, "we closed with 1000, and the peer has not answered"],
    [{ sent, received, first: "local" }, 'we closed with 1000, then the peer answered with 1001 "say \\"bye\\""'],
    [{ sent, received, first: "remote" }, 'the peer closed with 1001 "say \\"bye\\"", then we answered with 1000'],
  ])("tells %j", (frames, sentence) => {
    expect(describeClosure({ ...LOST, ...frames })).toBe(sentence);
  });
});
