import { describe, expect, it } from "vitest";
import { AuthnError, AuthzError, UpgradeError } from "../../src/errors.ts";
import { isResponse, noPlaceRefusal, refusal, refusalOf } from "../../src/service/refused_upgrade.ts";

const PLAIN = "text/plain;charset=utf-8";

/** What a peer sees of it. */
async function told(response: Response): Promise<unknown[]> {
  return [response.status, await response.text(), Object.fromEntries(response.headers)];
}

/** The refusal that `error` comes to, and what was reported. */
async function refusedFor(error: unknown): Promise<[answer: unknown[], reported: unknown[]]> {
  const reported: unknown[] = [];
  const answer = refusalOf(error, { report: (error) => reported.push(error) });
  return [await told(answer), reported];
}

describe("refusal", () => {
  it("is one plain sentence, with the headers that are added", async () => {
    expect(await told(refusal(400, "No"))).toEqual([400, "No", { "content-type": PLAIN }]);
    const added = new Headers({ "retry-after": "3" });
    expect(await told(refusal(503, "No", added))).toEqual([503, "No", { "content-type": PLAIN, "retry-after": "3" }]);
    expect([...added.keys()]).toEqual(["retry-after"]);
  });

  it("is of the type that was added", async () => {
    const added = new Headers({ "content-type": "application/json" });
    expect(await told(refusal(400, "{}", added))).toEqual([400, "{}", { "content-type": "application/json" }]);
  });
});

describe("noPlaceRefusal", () => {
  it("H2: tells who is alone to blame", async () => {
    expect((await told(noPlaceRefusal("all"))).slice(0, 2))
      .toEqual([503, "The server has as many connections as it takes"]);
    expect((await told(noPlaceRefusal("address"))).slice(0, 2))
      .toEqual([429, "There are too many connections with this address"]);
  });
});

describe("refusalOf", () => {
  it.each([
    [new UpgradeError(410, "It has moved", { location: "/new" }), 410, { location: "/new" }],
    [new AuthnError("Who are you?"), 401, {}],
    [new AuthzError("Not you"), 403, {}],
  ])("U2: tells the peer of %s, and nobody else", async (error, status, headers) => {
    expect(await refusedFor(error))
      .toEqual([[status, error.message, { "content-type": PLAIN, ...headers }], []]);
  });

  it.each([[new Error("secret")], ["secret"], [undefined]])("U2: reports %s, and keeps it to itself", async (error) => {
    expect(await refusedFor(error)).toEqual([[500, "The server could not answer", { "content-type": PLAIN }], [error]]);
  });

  it("U2: reports headers that cannot travel", async () => {
    const [answer, reported] = await refusedFor(new UpgradeError(400, "No", { "x-a": "a\u0001b" }));
    expect(answer.slice(0, 2)).toEqual([500, "The server could not answer"]);
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringContaining('"x-a"') })]);
  });
});

describe("isResponse", () => {
  it("knows one of whatever class", () => {
    class Replaced {
      readonly [Symbol.toStringTag] = "Response";
    }
    expect([new Response(), new Replaced()].map(isResponse)).toEqual([true, true]);
    expect([{}, undefined, null, new Request("http://h/"), "[object Response]"].some(isResponse)).toBe(false);
  });
});
