/** The row A5 of the acceptance table, as far as it is about an OAuth 2.0 server: `oidc-provider`, behind TLS. */

import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AuthError, type Listener } from "../../mod.ts";
import { type GrantOptions, introspectionAuth, oauth2Grant } from "../../src/peers/oauth2.ts";
import { failure, onSockets } from "../support/on_sockets.ts";
import { type OidcServer, startOidcServer, trustingFetch } from "../support/oidc_server.ts";

const { listen, connect } = onSockets();

let oidc: OidcServer;
beforeAll(async () => void (oidc = await startOidcServer()), 60_000);
afterAll(() => oidc.close());

const guarded = (scopes: string): Promise<Listener> =>
  listen({ onTextMessage: (caller) => caller.auth }, {
    auth: [introspectionAuth({
      url: `${oidc.url}/token/introspection`,
      clientId: "listener",
      clientSecret: "listener-secret",
      fetch: trustingFetch(oidc.ca),
      issuer: oidc.url,
      scopes,
    })],
  });

const granted = (options: object) =>
  oauth2Grant({
    tokenUrl: `${oidc.url}/token`,
    clientId: "app",
    clientSecret: "app-secret",
    scopes: "write",
    fetch: trustingFetch(oidc.ca),
    ...options,
  } as GrantOptions);

async function who(listener: Listener, auth: ReturnType<typeof granted>): Promise<Record<string, unknown>> {
  const client = await connect(listener.url, { auth });
  await client.writeTextMessage("who");
  return JSON.parse(await client.readTextMessage());
}

describe("a real OAuth 2.0 server, behind TLS", () => {
  it("A5: a program's tokens are let in, with their scopes", async () => {
    const listener = await guarded("write");
    const identity = await who(listener, granted({ grant: "clientCredentials" }));
    expect(identity).toMatchObject({ scopes: ["write"], claims: { active: true, client_id: "app" } });
    expect(Number(identity["expiresAt"])).toBeGreaterThan(Date.now() / 1_000);
    const reader = granted({ grant: "clientCredentials", scopes: "read" });
    expect(await failure(connect(listener.url, { auth: reader }))).toMatchObject({ status: 403 });
    expect(await failure(connect(listener.url, { auth: { token: "made-up" } }))).toMatchObject({ status: 401 });
  });

  it("A5: so are a user's, by password, by refresh token and by assertion", async () => {
    const listener = await guarded("write");
    const byPassword = granted({ grant: "password", username: "ada", password: "ada-secret" });
    expect(await who(listener, byPassword)).toMatchObject({ subject: "ada" });
    // The refresh token that came along.
    byPassword.forget();
    expect(await who(listener, byPassword)).toMatchObject({ subject: "ada" });

    const assertion = () =>
      new SignJWT({ sub: "ada" }).setProtectedHeader({ alg: "HS256" }).setAudience(oidc.url).setExpirationTime("1m")
        .sign(new TextEncoder().encode("an assertion secret of thirty-two bytes and more"));
    expect(await who(listener, granted({ grant: "jwtBearer", assertion }))).toMatchObject({ subject: "ada" });

    const first = await trustingFetch(oidc.ca)(`${oidc.url}/token`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa("app:app-secret")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({ grant_type: "password", username: "ada", password: "ada-secret", scope: "write" }),
      signal: AbortSignal.timeout(5_000),
    });
    const { refresh_token: refreshToken } = await first.json();
    const kept: string[] = [];
    const onRefreshToken = (next: string): void => void kept.push(next);
    const byRefreshToken = granted({ grant: "refreshToken", refreshToken, onRefreshToken });
    for (let i = 0; i < 3; i++) {
      expect(await who(listener, byRefreshToken)).toMatchObject({ subject: "ada" });
      byRefreshToken.forget();
    }
    expect(new Set([refreshToken, ...kept]).size).toBe(4);
  });

  it.each<[string, object, string]>([
    [
      "another program",
      { grant: "clientCredentials", clientSecret: "wrong" },
      "status 401: it does not know this client",
    ],
    ["another password", { grant: "password", username: "ada", password: "wrong" }, '"invalid_grant"'],
    ["another refresh token", { grant: "refreshToken", refreshToken: "wrong" }, '"invalid_grant"'],
    ["no assertion", { grant: "jwtBearer", assertion: "a.b.c" }, '"invalid_grant"'],
  ])("A5: what the server refuses is an AuthError with its word: %s", async (_what, options, word) => {
    const error = await failure(connect("ws://127.0.0.1:1/", { auth: granted(options) }));
    expect(error).toBeInstanceOf(AuthError);
    expect((error as AuthError).message).toContain(word);
    expect((error as AuthError).temporary).toBe(false);
  });

  it("A5: a certificate that nobody trusts is no server", async () => {
    const error = await failure(connect("ws://127.0.0.1:1/", { auth: granted({ grant: "clientCredentials", fetch }) }));
    expect(error).toBeInstanceOf(AuthError);
    expect((error as AuthError).message).toContain("cannot be reached");
  });
});
