/** The rows A1 to A3 of the acceptance table, as far as they are about JSON Web Tokens. */

import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { InvalidHandshakeError, type Listener } from "../../mod.ts";
import { jwtAuth, type JwtAuthOptions } from "../../src/peers/jose.ts";
import { startKeyServer } from "../support/key_server.ts";
import { ECHO, onSockets } from "../support/on_sockets.ts";

const { listen, connect, whenOver } = onSockets();

const SECRET = "a secret of more than thirty-two bytes";

/** A token that a secret signed, an hour from now on, with `claims` instead or besides. */
function token(claims: object = {}, { secret = SECRET, alg = "HS256", ...header }: Record<string, string> = {}) {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ sub: "ada", exp: now + 3_600, ...claims }).setProtectedHeader({ alg, ...header })
    .sign(new TextEncoder().encode(secret));
}

const errors: unknown[] = [];
const guarded = (options: Partial<JwtAuthOptions> = {}): Promise<Listener> => {
  errors.length = 0;
  const auth = [jwtAuth({ key: { secret: SECRET }, ...options })];
  return listen({ onTextMessage: (caller) => caller.auth }, {}, { auth, onError: (error) => errors.push(error) });
};

/** The status that a token leads to, and the challenge. */
async function status(listener: Listener, token: string): Promise<number | string> {
  try {
    const client = await connect(listener.url, { customHeaders: { authorization: `Bearer ${token}` } });
    await client.close();
    return 101;
  } catch (error) {
    if (!(error instanceof InvalidHandshakeError)) throw error;
    const text = `${error.message} ${JSON.stringify([...error.headers])} ${await error.body()}`;
    // Nothing that the client is told repeats what it sent, or what we know.
    const signature = token.split(".")[2] ?? "";
    for (const secret of [SECRET, signature]) if (secret.length > 20) expect(text).not.toContain(secret);
    return error.status;
  }
}

const now = (): number => Math.floor(Date.now() / 1_000);

describe("a JSON Web Token", () => {
  it("A1: lets in who has one, with its subject, scopes, claims and end", async () => {
    const listener = await guarded({ scopes: ["write", "update"] });
    const exp = now() + 100;
    const authorization = `Bearer ${await token({ scope: "read write", room: 7, exp })}`;
    const client = await connect(listener.url, { customHeaders: { authorization } });
    await client.writeTextMessage("who");
    expect(JSON.parse(await client.readTextMessage())).toEqual({
      subject: "ada",
      scopes: ["read", "write"],
      claims: { sub: "ada", scope: "read write", room: 7, exp },
      expiresAt: exp,
    });
    expect(await status(listener, await token({ scope: "read" }))).toBe(403);
    expect(await status(listener, await token())).toBe(403);
  });

  it("A1: issuer, audience and other claims have to be what the listener wants", async () => {
    const listener = await guarded({
      issuer: ["https://a.test", "https://b.test"],
      audience: "chat",
      typ: "at+jwt",
      customClaims: { tenant: "t1", admin: true },
      requiredClaims: ["exp", "jti"],
      scopeKey: "scp",
      scopes: "write",
    });
    const good = { iss: "https://b.test", aud: ["x", "chat"], tenant: "t1", admin: true, jti: "1", scp: ["write"] };
    const typ = { typ: "at+jwt" };
    expect(await status(listener, await token(good, typ))).toBe(101);
    for (
      const wrong of [
        { iss: "https://c.test" },
        { iss: undefined },
        { aud: "x" },
        { aud: undefined },
        { tenant: "t2" },
        { admin: "true" },
        { jti: undefined },
        { exp: undefined },
      ]
    ) {
      expect([wrong, await status(listener, await token({ ...good, ...wrong }, typ))]).toEqual([wrong, 401]);
    }
    expect(await status(listener, await token(good))).toBe(401);
    expect(await status(listener, await token({ ...good, scp: undefined, scope: "write" }, typ))).toBe(403);
    expect(errors).toEqual([]);
  });

  it("A1: it counts from nbf to exp, give or take the tolerance", async () => {
    const strict = await guarded();
    expect(await status(strict, await token({ exp: now() - 5 }))).toBe(401);
    expect(await status(strict, await token({ nbf: now() + 60 }))).toBe(401);
    expect(await status(strict, await token({ exp: "soon" }))).toBe(401);
    expect(await status(strict, await token({ exp: undefined }))).toBe(401);
    const tolerant = await guarded({ clockTolerance: 30, maxTokenAge: 600 });
    expect(await status(tolerant, await token({ iat: now(), exp: now() - 5 }))).toBe(101);
    expect(await status(tolerant, await token({ iat: now(), nbf: now() + 20 }))).toBe(101);
    expect(await status(tolerant, await token({ iat: now(), exp: now() - 60 }))).toBe(401);
    expect(await status(tolerant, await token({ iat: now() - 700 }))).toBe(401);
    expect(await status(tolerant, await token())).toBe(401);
  });

  it("A1: what is cut short, changed or unsigned is no token", async () => {
    const listener = await guarded();
    const good = await token();
    const [header, payload, signature] = good.split(".") as [string, string, string];
    const b64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (
      const bad of [
        "",
        ".",
        "..",
        good.slice(0, -1),
        good.slice(0, 20),
        `${header}.${payload}`,
        `${header}.${payload}.`,
        `${header}.${b64({ sub: "eve", exp: now() + 100 })}.${signature}`,
        `${b64({ alg: "none" })}.${payload}.`,
        `${b64({ alg: "None" })}.${payload}.${signature}`,
        `${b64({ alg: "HS512" })}.${payload}.${signature}`,
        `${good}, Bearer ${good}`,
        `${b64({ alg: "HS256", crit: ["x"], x: 1 })}.${payload}.${signature}`,
      ]
    ) {
      expect([bad, await status(listener, bad)]).toEqual([bad, 401]);
    }
    expect(await status(listener, await token({}, { secret: "another secret of thirty-two bytes or so" }))).toBe(401);
    expect(await status(listener, await token({}, { alg: "HS384" }))).toBe(401);
    // The same one again: a token may be used as often as its time allows.
    expect([await status(listener, good), await status(listener, good)]).toEqual([101, 101]);
    expect(errors).toEqual([]);
  });

  it("A1: a public key is never taken for a secret", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const listener = await guarded({ key: { pem, algorithm: "RS256" } });
    const sign = (alg: string) =>
      new SignJWT({ sub: "ada", exp: now() + 100 }).setProtectedHeader({ alg }).sign(privateKey);
    expect(await status(listener, await sign("RS256"))).toBe(101);
    expect(await status(listener, await sign("PS256"))).toBe(401);
    for (const secret of [pem, pem.trim()]) expect(await status(listener, await token({}, { secret }))).toBe(401);
    expect(errors).toEqual([]);
  });

  it("A3: its connection ends with it, when the service says so", async () => {
    const listener = await listen(ECHO, { closeOnExpiry: true, auth: [jwtAuth({ key: { secret: SECRET } })] });
    const authorization = `Bearer ${await token({ exp: now() + 2 })}`;
    const client = await connect(listener.url, { customHeaders: { authorization } });
    expect(await client.closed).toMatchObject({ code: 3000, reason: "The credentials have expired" });
  });
});

describe("a key set that a server publishes", () => {
  const serve = async () => {
    const keys = await startKeyServer();
    whenOver(() => keys.close());
    return keys;
  };

  it("A5: is fetched once, and again for a key that it does not have: keys rotate", async () => {
    const keys = await serve();
    const listener = await guarded({ key: { jwks: keys.url, cooldown: 0 } });
    const first = await keys.sign();
    expect(await Promise.all([1, 2, 3, 4].map(() => status(listener, first)))).toEqual([101, 101, 101, 101]);
    expect(await status(listener, first)).toBe(101);
    expect(keys.requests()).toBe(1);
    await keys.rotate("second");
    expect(await status(listener, await keys.sign())).toBe(101);
    expect(keys.requests()).toBe(2);
    // The old key is gone with the old set.
    expect(await status(listener, first)).toBe(401);
    expect(errors).toEqual([]);
  });

  it("A1: is not fetched for every token with a key that nobody has", async () => {
    const keys = await serve();
    const listener = await guarded({ key: { jwks: keys.url } });
    const stranger = await startKeyServer();
    whenOver(() => stranger.close());
    expect(await status(listener, await keys.sign())).toBe(101);
    for (let i = 0; i < 5; i++) {
      expect(await status(listener, await stranger.sign({}, { kid: `made up ${i}` }))).toBe(401);
    }
    // Nor for what is no token, or has another algorithm.
    for (const bad of ["a.b.c", await token()]) expect(await status(listener, bad)).toBe(401);
    expect(keys.requests()).toBe(1);
  });

  it("A1: is fetched anew when it is old", async () => {
    const keys = await serve();
    const listener = await guarded({ key: { jwks: keys.url, cacheMaxAge: 0 } });
    const good = await keys.sign();
    expect(await status(listener, good)).toBe(101);
    await keys.rotate("second");
    expect(await status(listener, good)).toBe(401);
    expect(keys.requests()).toBe(2);
  });

  it.each<[string, Parameters<Awaited<ReturnType<typeof startKeyServer>>["answer"]>[0]]>([
    ["never answers", () => {}],
    ["fails", (response) => void response.writeHead(500).end()],
    ["redirects", (response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
    ["talks nonsense", (response) => void response.end("<html>")],
    ["has no keys", (response) => void response.end("{}")],
    ["stops in the middle", (response) => void response.writeHead(200).write('{"keys":')],
    ["has no end", (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(" ".repeat(65_536)));
        response.once("drain", more);
      };
      more();
    }],
  ])("A1: of a server that %s: 503 in time, reported, and nobody is let in", async (_what, answer) => {
    const keys = await serve();
    keys.answer(answer);
    const listener = await guarded({ key: { jwks: keys.url, timeout: 1 } });
    const good = await keys.sign();
    const started = performance.now();
    expect(await status(listener, good)).toBe(503);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(errors).toEqual([expect.objectContaining({ name: "AuthError", cause: expect.anything() })]);
    for (const text of errors.flatMap((error) => [String(error), String((error as Error).cause)])) {
      expect(text).not.toContain(good.split(".")[2]);
    }
    // And once it can be had, everything is as it should be.
    keys.answer(undefined);
    expect(await status(listener, good)).toBe(101);
  });

  it("A1: of a server that is not there: the same", async () => {
    const keys = await startKeyServer();
    const good = await keys.sign();
    keys.close();
    const listener = await guarded({ key: { jwks: keys.url } });
    expect(await status(listener, good)).toBe(503);
    expect(errors).toHaveLength(1);
    // What is no token is refused without it.
    expect(await status(listener, "a.b.c")).toBe(401);
  });
});
