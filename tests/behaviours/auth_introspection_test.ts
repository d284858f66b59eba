/** The row A1 of the acceptance table, as far as it is about asking an OAuth 2.0 server. */

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { InvalidHandshakeError, type Listener, type Service } from "../../mod.ts";
import { introspectionAuth, type IntrospectionAuthOptions } from "../../src/peers/oauth2.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { type Answering, json, startTokenServer } from "../support/token_server.ts";

const { listen, connect, whenOver } = onSockets();

const SECRET = "client-secret";
const errors: unknown[] = [];

async function guarded(options: Partial<IntrospectionAuthOptions> = {}) {
  errors.length = 0;
  const server = await startTokenServer();
  whenOver(() => server.close());
  const auth = [introspectionAuth({
    url: server.url,
    clientId: "listener",
    clientSecret: SECRET,
    allowInsecureRequests: true,
    ...options,
  })];
  const service: Service = { onTextMessage: (caller) => caller.auth };
  const listener = await listen(service, {}, { auth, onError: (error) => errors.push(error) });
  return { server, listener };
}

async function status(listener: Listener, token: string): Promise<number> {
  try {
    const client = await connect(listener.url, { customHeaders: { authorization: `Bearer ${token}` } });
    await client.close();
    return 101;
  } catch (error) {
    if (!(error instanceof InvalidHandshakeError)) throw error;
    return error.status;
  }
}

const now = (): number => Math.floor(Date.now() / 1_000);

describe("OAuth 2.0 introspection", () => {
  it("A1: asks the server, as itself, and lets in whom it knows", async () => {
    const options = { scopes: ["write"], tokenTypeHint: "access_token", optionalParams: { x: "y" } };
    const { server, listener } = await guarded(options);
    const exp = now() + 100;
    server.answer(json({ active: true, sub: "ada", scope: "read write", exp, room: 7 }));
    const client = await connect(listener.url, { customHeaders: { authorization: "Bearer t0ken" } });
    await client.writeTextMessage("who");
    expect(JSON.parse(await client.readTextMessage())).toEqual({
      subject: "ada",
      scopes: ["read", "write"],
      claims: { active: true, sub: "ada", scope: "read write", exp, room: 7 },
      expiresAt: exp,
    });
    expect(server.asked).toEqual([{
      path: "/oauth",
      // RFC 6749 §2.3.1: both are encoded as in a form.
      authorization: `Basic ${btoa(`listener:${SECRET.replace("-", "%2D")}`)}`,
      body: { token: "t0ken", token_type_hint: "access_token", x: "y" },
    }]);
    server.answer(json({ active: true, sub: "ada", scope: "read" }));
    expect(await status(listener, "another")).toBe(403);
    server.answer(json({ active: false }));
    expect(await status(listener, "old")).toBe(401);
    expect(errors).toEqual([]);
  });

  it("A1: puts its password where the server wants it", async () => {
    const { server, listener } = await guarded({ clientAuthentication: "post" });
    server.answer(json({ active: true, client_id: "app" }));
    expect(await status(listener, "t")).toBe(101);
    const body = { client_id: "listener", client_secret: SECRET };
    expect(server.asked[0]).toMatchObject({ authorization: undefined, body });
  });

  it.each<[string, object, number]>([
    ["out of date", { exp: 1 }, 401],
    ["not valid yet", { nbf: 9e9 }, 401],
    ["of another issuer", { iss: "https://b.test" }, 401],
    ["of no issuer", { iss: undefined }, 401],
    ["for another audience", { aud: ["x", "y"] }, 401],
    ["for no audience", { aud: undefined }, 401],
    ["without a time", { exp: "soon" }, 401],
    ["as it should be", {}, 101],
  ])("A1: a token that is %s, whatever else the server says of it", async (_what, more, expected) => {
    const { server, listener } = await guarded({ issuer: "https://a.test", audience: "chat" });
    server.answer(json({ active: true, sub: "ada", iss: "https://a.test", aud: ["x", "chat"], ...more }));
    expect(await status(listener, "t")).toBe(expected);
    expect(errors).toEqual([]);
  });

  it("A1: asks once for as long as the answer is good", async () => {
    const { server, listener } = await guarded();
    server.answer(json({ active: true, sub: "ada", exp: now() + 100 }));
    expect(await Promise.all([1, 2, 3, 4].map(() => status(listener, "t")))).toEqual([101, 101, 101, 101]);
    expect(await status(listener, "t")).toBe(101);
    expect(server.asked).toHaveLength(1);
    // Another token is another question, and what does not count is asked for again.
    server.answer(json({ active: false }));
    expect([await status(listener, "u"), await status(listener, "u"), server.asked.length]).toEqual([401, 401, 3]);
    const never = await guarded({ cacheMaxAge: 0 });
    never.server.answer(json({ active: true, sub: "ada" }));
    expect([await status(never.listener, "t"), await status(never.listener, "t")]).toEqual([101, 101]);
    expect(never.server.asked).toHaveLength(2);
  });

  it("A1: and not at all about what is no token", async () => {
    const { server, listener } = await guarded();
    for (const bad of ["a b", "a, Bearer b", "t%20k"]) expect(await status(listener, bad)).toBe(401);
    expect(server.asked).toEqual([]);
  });

  it("A1: few questions at once; who comes when too many wait is answered with 503", async () => {
    const { server, listener } = await guarded({ maxConcurrentChecks: 1, maxWaitingChecks: 1 });
    const { promise: asked, resolve } = deferred<() => void>();
    server.answer((response, one) => resolve(() => json({ active: true })(response, one)));
    const first = status(listener, "a");
    const finish = await asked;
    // One of the two waits, whichever comes first, and the other is turned away.
    const others = [status(listener, "b"), status(listener, "c")];
    expect(await Promise.race(others)).toBe(503);
    server.answer(json({ active: true }));
    finish();
    expect([await first, (await Promise.all(others)).sort()]).toEqual([101, [101, 503]]);
    expect(errors).toEqual([]);
  });

  it("A1: who leaves while waiting gives the place away", async () => {
    const { server, listener } = await guarded({ maxConcurrentChecks: 1, maxWaitingChecks: 1 });
    const { promise: asked, resolve } = deferred<() => void>();
    server.answer((response, one) => resolve(() => json({ active: true })(response, one)));
    const first = status(listener, "a");
    const finish = await asked;
    const leaving = new AbortController();
    const others = ["b", "c"].map((token) =>
      connect(listener.url, { auth: { token }, signal: leaving.signal }).catch((error: unknown) => error)
    );
    // One of the two waits, whichever comes first, and the other is turned away.
    expect(await Promise.race(others)).toMatchObject({ status: 503 });
    leaving.abort();
    await Promise.all(others);
    await expect.poll(() => listener.stats().left).toBe(1);
    const next = status(listener, "d");
    server.answer(json({ active: true }));
    finish();
    expect([await first, await next]).toEqual([101, 101]);
    expect(server.asked.map(({ body }) => body["token"])).toEqual(["a", "d"]);
    expect(errors).toEqual([]);
  });

  it.each<[string, Answering, string]>([
    [
      "does not know the listener",
      json({ error: "invalid_client", error_description: SECRET }, 401),
      'status 401, "invalid_client"',
    ],
    [
      "wants to know who asks",
      (response) => void response.writeHead(401, { "www-authenticate": "Basic" }).end(),
      "status 401",
    ],
    ["fails", json({ token: "t0ken" }, 500), "status 500"],
    ["has too much to do", json({ error: "slow_down" }, 429), 'status 429, "slow_down"'],
    ["says what nobody understands", json({ error: "t0ken and more" }, 400), "status 400, and no reason"],
    ["talks nonsense", json({ token: "t0ken" }), "what is no answer"],
    ["answers with a page", (response) => void response.end("<html>t0ken"), "what is no answer"],
    ["leads elsewhere", (response) => void response.writeHead(307, { location: "/t0ken" }).end(), "status 307"],
    ["never answers", () => {}, "cannot be reached"],
    ["hangs up", (response) => void response.destroy(), "cannot be reached"],
  ])("A1: a server that %s: 503, reported without a secret", async (_what, answer, sentence) => {
    const { server, listener } = await guarded({ timeout: 0.5 });
    server.answer(answer);
    expect(await status(listener, "t0ken")).toBe(503);
    expect(errors).toHaveLength(1);
    const shown = inspect(errors[0], { depth: 10, showHidden: true });
    expect(shown).toContain("AuthError: Cannot check the token: the OAuth 2.0 server at 127.0.0.1:");
    expect(shown).toContain(sentence);
    for (const secret of [SECRET, "t0ken"]) expect(shown).not.toContain(secret);
    // And when it does, everything is as it should be.
    server.answer(json({ active: true, sub: "ada" }));
    expect(await status(listener, "t0ken")).toBe(101);
  });
});
