import { generateKeyPairSync } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import type { AuthRequest, Identity } from "../../src/auth/authenticator.ts";
import { AuthError, AuthnError } from "../../src/errors.ts";
import { issuedJwt, type IssuedJwtOptions, jwtAuth, type JwtAuthOptions } from "../../src/peers/jose.ts";

const REQUEST: AuthRequest = {
  url: "http://a.test/",
  headers: new Headers(),
  remoteAddress: undefined,
  secure: true,
  signal: new AbortController().signal,
};
const SECRET = "a secret of more than thirty-two bytes";
const now = (): number => Math.floor(Date.now() / 1_000);
const sign = (claims: object, alg = "HS256", key: unknown = new TextEncoder().encode(SECRET), header: object = {}) =>
  new SignJWT({ exp: now() + 100, ...claims }).setProtectedHeader({ alg, ...header }).sign(key as CryptoKey);
const ask = (options: Partial<JwtAuthOptions>, token?: string) =>
  jwtAuth({ key: { secret: SECRET }, ...options }).authenticate(token, REQUEST);

describe("a token", () => {
  it("that is not there is nobody's business; one that is none is refused", async () => {
    expect(await ask({})).toBeUndefined();
    for (const token of ["", "a b", "a,b", "a.b.c", "ä"]) expect(await ask({}, token)).toBeInstanceOf(AuthnError);
  });

  it("has a subject: sub, or the client's id, or none", async () => {
    const subject = async (claims: object) => (await ask({}, await sign(claims)) as Identity).subject;
    expect(await subject({ sub: "ada", client_id: "app" })).toBe("ada");
    expect(await subject({ client_id: "app" })).toBe("app");
    expect(await subject({})).toBe("");
  });

  it("has no claims from elsewhere", async () => {
    const identity = await ask({ scopeKey: "constructor" }, await sign({}));
    expect(identity).toMatchObject({ scopes: [] });
  });

  it("ends with the tolerance, and without exp never", async () => {
    const exp = now() + 50;
    expect(await ask({ clockTolerance: 2.5 }, await sign({ exp }))).toMatchObject({ expiresAt: exp + 2.5 });
    const endless = await ask({ requiredClaims: [] }, await sign({ exp: undefined }));
    expect(endless).toMatchObject({ expiresAt: undefined });
  });
});

describe("a key", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ed = generateKeyPairSync("ed25519");
  const pemOf = (key: typeof rsa.publicKey): string => key.export({ type: "spki", format: "pem" }).toString();

  it("may be a public key in PEM, for its algorithm only", async () => {
    const key = { pem: pemOf(rsa.publicKey), algorithm: "PS384" } as const;
    expect(await ask({ key }, await sign({ sub: "ada" }, "PS384", rsa.privateKey))).toMatchObject({ subject: "ada" });
    expect(await ask({ key }, await sign({ sub: "ada" }, "RS384", rsa.privateKey))).toBeInstanceOf(AuthnError);
    const edKey = { pem: pemOf(ed.publicKey), algorithm: "EdDSA" } as const;
    expect(await ask({ key: edKey }, await sign({ sub: "ada" }, "EdDSA", ed.privateKey))).toMatchObject({
      subject: "ada",
    });
  });

  it("that does not fit its algorithm fails closed", async () => {
    const key = { pem: pemOf(ed.publicKey), algorithm: "RS256" } as const;
    await expect(ask({ key }, await sign({}, "RS256", rsa.privateKey))).rejects.toBeInstanceOf(AuthError);
  });

  it("may be bytes, which may be overwritten then", async () => {
    const secret = crypto.getRandomValues(new Uint8Array(64));
    const auth = jwtAuth({ key: { secret, algorithm: "HS512" } });
    const token = await sign({ sub: "ada" }, "HS512", secret.slice());
    secret.fill(0);
    expect(await auth.authenticate(token, REQUEST)).toMatchObject({ subject: "ada" });
  });

  it("may be one of several in a set that do not say which they are", async () => {
    const pairs = [1, 2, 3].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }));
    const keys = await Promise.all(pairs.map(({ publicKey }) => exportJWK(publicKey)));
    const key = { jwks: "https://a.test/jwks", fetch: () => Promise.resolve(Response.json({ keys })) };
    const auth = jwtAuth({ key });
    for (const { privateKey } of pairs) {
      expect(await auth.authenticate(await sign({ sub: "ada" }, "ES256", privateKey), REQUEST)).toMatchObject({
        subject: "ada",
      });
    }
    expect(
      await auth.authenticate(
        await sign({}, "ES256", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
        REQUEST,
      ),
    ).toBeInstanceOf(AuthnError);
    const old = await sign({ exp: now() - 100 }, "ES256", pairs[2]!.privateKey);
    expect(await auth.authenticate(old, REQUEST)).toBeInstanceOf(AuthnError);
  });

  it("may be one of several of which another is too short, but not if all are", async () => {
    const pairs = [1_024, 2_048, 1_024].map((modulusLength) => generateKeyPairSync("rsa", { modulusLength }));
    const [short, long, other] = pairs.map(({ publicKey }) => publicKey.export({ format: "jwk" }));
    const token = await sign({ sub: "ada" }, "RS256", pairs[1]!.privateKey);
    const authOf = (keys: unknown[]) =>
      jwtAuth({ key: { jwks: "https://a.test/jwks", fetch: () => Promise.resolve(Response.json({ keys })) } });
    for (const keys of [[short, long], [long, short]]) {
      expect(await authOf(keys).authenticate(token, REQUEST)).toMatchObject({ subject: "ada" });
    }
    await expect(authOf([short, other]).authenticate(token, REQUEST)).rejects.toThrow("the key cannot be had");
  });

  it("is looked for among 32 that do not say which they are, and no more: that is work for anybody's token", async () => {
    const pairs = Array.from({ length: 33 }, () => generateKeyPairSync("ec", { namedCurve: "P-256" }));
    const keys = pairs.map(({ publicKey }) => publicKey.export({ format: "jwk" }));
    const auth = jwtAuth({
      key: { jwks: "https://a.test/jwks", fetch: () => Promise.resolve(Response.json({ keys })) },
    });
    const by = async (i: number) =>
      auth.authenticate(await sign({ sub: "ada" }, "ES256", pairs[i]!.privateKey), REQUEST);
    expect([await by(31), await by(32)]).toEqual([expect.objectContaining({ subject: "ada" }), expect.any(AuthnError)]);
  });
});

it("the URL of a key set has no password, which an error would tell", () => {
  const make = () => jwtAuth({ key: { jwks: "https://u:s3cret@a.test/jwks" } });
  expect(make).toThrow('Cannot use the option "key.jwks": ');
  expect(make).not.toThrow("s3cret");
});

it("the options are checked", () => {
  const secret = { secret: SECRET };
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const secretPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const jwks = "https://a.test/";
  for (
    const [options, name] of [
      [{}, "key"],
      [{ key: "secret" }, "key"],
      [{ key: { secret: 7 } }, "key.secret"],
      [{ key: { secret: SECRET, algorithm: "RS256" } }, "key.algorithm"],
      [{ key: { secret: SECRET, algorithm: "none" } }, "key.algorithm"],
      [{ key: { pem } }, "key.algorithm"],
      [{ key: { pem, algorithm: "HS256" } }, "key.algorithm"],
      [{ key: { pem: "nonsense", algorithm: "ES256" } }, "key.pem"],
      [{ key: { pem: secretPem, algorithm: "ES256" } }, "key.pem"],
      [{ key: { jwks: "nonsense" } }, "key.jwks"],
      [{ key: { jwks: "file:///etc/passwd" } }, "key.jwks"],
      [{ key: { jwks, algorithms: [] } }, "key.algorithms"],
      [{ key: { jwks, algorithms: ["HS256"] } }, "key.algorithms"],
      [{ key: { jwks, timeout: "5" } }, "key.timeout"],
      [{ key: { jwks, fetch: 5 } }, "key.fetch"],
      [{ key: { jwks, url: 5 } }, "key.url"],
      [{ key: secret, issuer: 5 }, "issuer"],
      [{ key: secret, audience: [5] }, "audience"],
      [{ key: secret, subject: "" }, "subject"],
      [{ key: secret, customClaims: { a: {} } }, "customClaims"],
      [{ key: secret, clockTolerance: "5" }, "clockTolerance"],
      [{ key: secret, scopes: [] }, "scopes"],
      [{ key: secret, realm: "ä" }, "realm"],
      [{ key: secret, issuers: "x" }, "issuers"],
    ] as const
  ) {
    expect(() => jwtAuth(options as never), name).toThrow(`Cannot use the option "${name}": `);
  }
  expect(() => jwtAuth({ key: { secret: "short" } })).toThrow(RangeError);
  expect(() => jwtAuth({ key: { jwks, cooldown: -1 } })).toThrow(RangeError);
  expect(() => jwtAuth({ key: secret, clockTolerance: -1 })).toThrow(RangeError);
  expect(jwtAuth({ key: secret, realm: "chat", scopes: "a" })).toMatchObject({
    challenge: 'realm="chat"',
    scopes: ["a"],
  });
});

describe("a token of one's own", () => {
  const { signal } = new AbortController();
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { pem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), algorithm: "ES256" } as const;
  const made = async (options: object): Promise<{ header: object; claims: Record<string, unknown>; token: string }> => {
    const value = await issuedJwt({ key, ...options } as IssuedJwtOptions).authorization(signal);
    const token = /^Bearer (\S+)$/.exec(value)![1]!;
    const [header, claims] = token.split(".").slice(0, 2).map((part) =>
      JSON.parse(Buffer.from(part, "base64url").toString())
    );
    return { header, claims, token };
  };

  it("is signed, and says when it was made and when it ends", async () => {
    const { header, claims, token } = await made({
      keyId: "k1",
      subject: "ada",
      issuer: "me",
      audience: ["a", "b"],
      expTime: 60.9,
    });
    expect(header).toEqual({ alg: "ES256", typ: "JWT", kid: "k1" });
    const { iat, exp, jti, ...others } = claims;
    expect(others).toEqual({ sub: "ada", iss: "me", aud: ["a", "b"] });
    expect(Math.abs(Number(iat) - now())).toBeLessThan(3);
    expect(Number(exp) - Number(iat)).toBe(60);
    expect(jti).toMatch(/^[\da-f-]{36}$/);
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    expect(await ask({ key: { pem, algorithm: "ES256" }, issuer: "me", audience: "b" }, token)).toMatchObject({
      subject: "ada",
    });
  });

  it("is another one each time", async () => {
    const source = issuedJwt({ key: { secret: SECRET }, customClaims: { scope: "a" } });
    const [one, other] = [await source.authorization(signal), await source.authorization(signal)];
    expect(one).not.toBe(other);
    expect(await ask({ scopes: "a" }, one.slice("Bearer ".length))).toMatchObject({ scopes: ["a"] });
  });

  it("cannot be made with a key that does not fit", async () => {
    const source = issuedJwt({ key: { ...key, algorithm: "RS256" } });
    const error = await Promise.resolve(source.authorization(signal)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({
      temporary: false,
      message: 'Cannot connect: no token can be signed with the option "key"',
    });
  });

  it.each<[object, string]>([
    [{ key: undefined }, "key"],
    [{ key: { jwks: "https://a.test/" } }, "key"],
    [{ key: { pem: publicKey.export({ type: "spki", format: "pem" }).toString(), algorithm: "ES256" } }, "key.pem"],
    [{ key: { pem: key.pem } }, "key.algorithm"],
    [{ key: { pem: key.pem, algorithm: "HS256" } }, "key.algorithm"],
    [{ key: { secret: "short-secret" } }, "key.secret"],
    [{ subject: 7 }, "subject"],
    [{ audience: 7 }, "audience"],
    [{ expTime: 0 }, "expTime"],
    [{ expTime: -1 }, "expTime"],
    [{ customClaims: { exp: 1 } }, "customClaims"],
    [{ customClaims: [] }, "customClaims"],
    [{ user: "ada" }, "user"],
  ])("%j is refused", (options, name) => {
    const make = (): unknown => issuedJwt({ key, ...options } as IssuedJwtOptions);
    expect(make).toThrow(`Cannot use the option "${name}": `);
    expect(make).not.toThrow("short-secret");
  });
});
