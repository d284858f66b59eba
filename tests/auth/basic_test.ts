import { expect, it } from "vitest";
import { AuthnError } from "../../src/errors.ts";
import type { AuthRequest } from "../../src/auth/authenticator.ts";
import { basicAuth, type UserStore } from "../../src/auth/basic.ts";

const { signal } = new AbortController();
const REQUEST: AuthRequest = {
  url: "http://a.test/",
  headers: new Headers(),
  remoteAddress: undefined,
  secure: true,
  signal,
};
const asked: unknown[] = [];
const users: UserStore = {
  verify(username, password, given) {
    asked.push([username, password, given === signal]);
    return Promise.resolve(password === "secret" ? { name: username, scopes: ["write"] } : undefined);
  },
};

it("asks the store, and nothing for what is not Basic", async () => {
  const auth = basicAuth({ users, scopes: "write" });
  expect([auth.scheme, auth.challenge, auth.scopes]).toEqual(["Basic", 'realm="WebSocket", charset="UTF-8"', [
    "write",
  ]]);
  expect(await auth.authenticate(undefined, REQUEST)).toBeUndefined();
  for (const nonsense of ["", "%", btoa("ada"), "YTpi, YTpi"]) {
    expect(await auth.authenticate(nonsense, REQUEST)).toBeInstanceOf(AuthnError);
  }
  expect(asked).toEqual([]);
  expect(await auth.authenticate(btoa("ada:secret"), REQUEST)).toEqual({
    subject: "ada",
    scopes: ["write"],
    claims: {},
  });
  const refused = await auth.authenticate(btoa("ada:wrong"), REQUEST);
  expect(refused).toBeInstanceOf(AuthnError);
  expect(String(refused)).not.toContain('wrong"');
  expect(asked).toEqual([["ada", "secret", true], ["ada", "wrong", true]]);
});

it("checks its options", () => {
  expect(basicAuth({ users, realm: 'a "b"' }).challenge).toBe('realm="a \\"b\\"", charset="UTF-8"');
  for (
    const [options, name] of [
      [{}, "users"],
      [{ users: {} }, "users"],
      [{ users, realm: "ä" }, "realm"],
      [{ users, scopes: [] }, "scopes"],
      [{ users, user: 1 }, "user"],
    ] as const
  ) {
    expect(() => basicAuth(options as never)).toThrow(`Cannot use the option "${name}": `);
  }
});
