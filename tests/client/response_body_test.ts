import { describe, expect, it } from "vitest";
import { MAX_BODY, ResponseBody } from "../../src/client/response_body.ts";

const CHUNKED = { "transfer-encoding": "chunked" };

/** What is read of `bytes`, whole and byte by byte: both must agree. */
function read(headers: HeadersInit, bytes: string, status = 400): [text: string, isComplete: boolean] {
  const whole = new ResponseBody(status, new Headers(headers));
  whole.receive(new TextEncoder().encode(bytes));
  const slow = new ResponseBody(status, new Headers(headers));
  for (const byte of new TextEncoder().encode(bytes)) slow.receive(Uint8Array.of(byte));
  expect([slow.text(), slow.isComplete]).toEqual([whole.text(), whole.isComplete]);
  return [whole.text(), whole.isComplete];
}

describe("ResponseBody (C8)", () => {
  it("reads as many bytes as Content-Length says", () => {
    expect(read({ "content-length": "5" }, "hello, and more")).toEqual(["hello", true]);
    expect(read({ "content-length": "5" }, "hel")).toEqual(["hel", false]);
    expect(read({ "content-length": "0" }, "")).toEqual(["", true]);
  });

  it("reads chunks, with extensions", () => {
    expect(read(CHUNKED, "5\r\nhello\r\n3;x=y\r\n wo\r\nA\r\n0123456789\r\n0\r\n\r\nmore")).toEqual([
      "hello wo0123456789",
      true,
    ]);
    expect(read(CHUNKED, "5\r\nhel")).toEqual(["hel", false]);
  });

  it("stops at a chunk that is none", () => {
    expect(read(CHUNKED, "3\r\nabc\r\nzz\r\nrest")).toEqual(["abc", true]);
    expect(read(CHUNKED, "x".repeat(2_000))).toEqual(["", true]);
    expect(read(CHUNKED, "fffffffff\r\nabc")).toEqual(["", true]);
  });

  it("reads to the end of the connection without a length", () => {
    expect(read({}, "hello")).toEqual(["hello", false]);
    expect(read({ "content-length": "-1" }, "hello")).toEqual(["hello", false]);
  });

  it.each([204, 304])("has none with %d", (status) => {
    expect(read({ "content-length": "5" }, "hello", status)).toEqual(["", true]);
  });

  it("keeps 64 KiB", () => {
    const [text, isComplete] = read({}, "x".repeat(MAX_BODY + 10));
    expect([text.length, isComplete]).toEqual([65_536, true]);
    const chunk = `4000\r\n${"y".repeat(0x4000)}\r\n`;
    expect(read(CHUNKED, chunk.repeat(6))[0].length).toBe(65_536);
  });
});
