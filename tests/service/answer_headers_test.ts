import { expect, it } from "vitest";
import { checkAddedHeaders, checkResponse, wrongHeader } from "../../src/service/answer_headers.ts";

const SENDABLE = new Headers({ "x-a": "a\tb \xe9" });
const CONTROLS = ["a\x01b", "a\x7fb"].map((value) => new Headers({ "x-a": value }));

it("lets pass what may travel", () => {
  expect(wrongHeader(SENDABLE)).toBeUndefined();
  checkAddedHeaders(SENDABLE);
  const response = new Response(null, { headers: SENDABLE });
  expect(checkResponse(response)).toBe(response);
});

it("refuses control characters, which `Headers` takes", () => {
  for (const headers of CONTROLS) {
    expect(wrongHeader(headers)?.message).toContain('Cannot write the header "x-a"');
    expect(() => checkAddedHeaders(headers)).toThrow(TypeError);
    expect(() => checkResponse(new Response(null, { headers }))).toThrow(TypeError);
  }
});

it("refuses headers of the handshake, and a response that is an error or was read", async () => {
  expect(() => checkAddedHeaders(new Headers({ connection: "close" }))).toThrow("it belongs to the handshake");
  expect(() => checkResponse(Response.error())).toThrow("an error response");
  const read = new Response("read");
  await read.text();
  expect(() => checkResponse(read)).toThrow("was read");
});
