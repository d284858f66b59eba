import { expect, it } from "vitest";
import type { AuthRequest } from "../../src/auth/authenticator.ts";
import { introspectionAuth, type IntrospectionAuthOptions } from "../../src/peers/introspection.ts";

const REQUEST: AuthRequest = {
  url: "http://a.test/",
  headers: new Headers(),
  remoteAddress: undefined,
  secure: true,
  signal: new AbortController().signal,
};
const OPTIONS = { url: "https://a.test/introspect", clientId: "listener", clientSecret: "s3cret" };

it("has a subject: sub, or the user's name, or the client's, or none", async () => {
  const subjectOf = async (answer: object): Promise<unknown> => {
    const fetch = () => Promise.resolve(Response.json({ active: true, ...answer }));
    return await introspectionAuth({ ...OPTIONS, fetch }).authenticate("t", REQUEST);
  };
  expect(await subjectOf({ sub: "ada", username: "u", client_id: "c" })).toMatchObject({ subject: "ada" });
  expect(await subjectOf({ username: "u", client_id: "c" })).toMatchObject({ subject: "u" });
  expect(await subjectOf({ client_id: "c" })).toMatchObject({ subject: "c" });
  expect(await subjectOf({ sub: 7 })).toMatchObject({ subject: "", scopes: [] });
});

it("has nothing to say of a request without a token", async () => {
  const fetch = () => Promise.reject(new Error("Not to be asked"));
  expect(await introspectionAuth({ ...OPTIONS, fetch }).authenticate(undefined, REQUEST)).toBeUndefined();
});

it.each<[object, string]>([
  [{ tokenTypeHint: "" }, "tokenTypeHint"],
  [{ issuer: 1 }, "issuer"],
  [{ audience: [] }, "audience"],
  [{ scopeKey: 1 }, "scopeKey"],
  [{ scopes: [] }, "scopes"],
  [{ realm: "ä" }, "realm"],
  [{ cacheMaxAge: -1 }, "cacheMaxAge"],
  [{ cacheSize: 0.5 }, "cacheSize"],
  [{ maxConcurrentChecks: 0 }, "maxConcurrentChecks"],
  [{ maxWaitingChecks: -1 }, "maxWaitingChecks"],
  [{ secret: "s3cret" }, "secret"],
])("%j is refused", (options, name) => {
  const make = (): unknown => introspectionAuth({ ...OPTIONS, ...options } as IntrospectionAuthOptions);
  expect(make).toThrow(`Cannot use the option "${name}": `);
});
