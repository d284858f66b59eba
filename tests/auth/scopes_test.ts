import { expect, it } from "vitest";
import { checkScopes, isScope, scopesIn, suffices } from "../../src/auth/scopes.ts";

it("one or several are taken; none, and what is no scope, is refused", () => {
  expect(checkScopes(undefined)).toBeUndefined();
  expect(checkScopes("write")).toEqual(["write"]);
  expect(checkScopes(["write", "update"])).toEqual(["write", "update"]);
  for (const scopes of [[], "", "a b", ['"'], [1], {}, null]) {
    expect(() => checkScopes(scopes, "auth[0].scopes")).toThrow('the option "auth[0].scopes": it is not a scope');
  }
  expect([isScope("https://a.test/x:y"), isScope("ä"), isScope("a\\b"), isScope(undefined)]).toEqual(
    [true, false, false, false],
  );
});

it("any one suffices", () => {
  expect(suffices(["write"], ["write", "update"])).toBe(true);
  expect(suffices(["read", "update"], ["write", "update"])).toBe(true);
  expect(suffices(["read"], ["write", "update"])).toBe(false);
  expect(suffices([], ["write"])).toBe(false);
  expect(suffices(["writer"], ["write"])).toBe(false);
  expect(suffices([], undefined)).toBe(true);
});

it("are read from a claim: text or a list", () => {
  expect(scopesIn("a b  c")).toEqual(["a", "b", "c"]);
  expect(scopesIn(["a", 1, "", "b c", "d"])).toEqual(["a", "d"]);
  for (const claim of [undefined, null, 7, { a: 1 }, true]) expect(scopesIn(claim)).toEqual([]);
});
