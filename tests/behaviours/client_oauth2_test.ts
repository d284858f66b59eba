/** The row A4 of the acceptance table, as far as tokens come from an OAuth 2.0 server. */

import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AuthError, Client, InvalidHandshakeError, type RetryConfig } from "../../mod.ts";
import { type GrantOptions, oauth2Grant } from "../../src/peers/oauth2.ts";
import { deferred, failure, onSockets, switching } from "../support/on_sockets.ts";
import { type Answering, json, startTokenServer } from "../support/token_server.ts";

const { connect, server, whenOver } = onSockets();
afterEach(() => void vi.useRealTimers());

const WHO = { clientId: "app", clientSecret: "client-secret", allowInsecureRequests: true } as const;

async function tokens() {
  const made = await startTokenServer();
  whenOver(() => made.close());
  let count = 0;
  const give = (more: object = {}): void =>
    made.answer((response, asked) =>
      json({ access_token: `token-${++count}`, token_type: "Bearer", expires_in: 3_600, ...more })(response, asked)
    );
  give();
  return { ...made, give };
}

/** A server that notes the `Authorization` of each request, and answers it as it is told to. */
async function noting(
  answer: (request: string, count: number) => string = (request) => switching(request),
  drop = false,
) {
  const noted: (string | undefined)[] = [];
  const url = await server(async (peer, request) => {
    noted.push(/^authorization: (.*)\r$/im.exec(request)?.[1]);
    await peer.raw.write(answer(request, noted.length));
    if (drop) peer.raw.socket.destroy();
  });
  return { url, noted };
}

describe("tokens of an OAuth 2.0 server", () => {
  it.each<[string, Partial<GrantOptions> & { grant: GrantOptions["grant"] }, object]>([
    ["client credentials", { grant: "clientCredentials" }, { grant_type: "client_credentials" }],
    [
      "a user's password",
      { grant: "password", username: "ada", password: "p" },
      { grant_type: "password", username: "ada", password: "p" },
    ],
    ["a refresh token", { grant: "refreshToken", refreshToken: "r" }, {
      grant_type: "refresh_token",
      refresh_token: "r",
    }],
    [
      "an assertion",
      { grant: "jwtBearer", assertion: () => Promise.resolve("a.b.c") },
      { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: "a.b.c" },
    ],
  ])("A4: by %s", async (_what, options, body) => {
    const { url, asked } = await tokens();
    const auth = oauth2Grant({
      ...WHO,
      tokenUrl: url,
      scopes: ["read", "write"],
      optionalParams: { audience: "chat" },
      ...options,
    } as GrantOptions);
    const { url: where, noted } = await noting();
    await connect(where, { auth });
    expect(noted).toEqual(["Bearer token-1"]);
    expect(asked).toEqual([{
      path: "/oauth",
      authorization: `Basic ${btoa("app:client%2Dsecret")}`,
      body: { ...body, scope: "read write", audience: "chat" },
    }]);
  });

  it("A4: are got once, for all attempts and all clients, until shortly before their end", async () => {
    const { url, asked, give } = await tokens();
    const auth = oauth2Grant({ ...WHO, grant: "clientCredentials", tokenUrl: url });
    const { url: where, noted } = await noting();
    await Promise.all([1, 2, 3].map(() => connect(where, { auth })));
    await connect(where, { auth });
    expect([noted, asked.length]).toEqual([Array(4).fill("Bearer token-1"), 1]);
    // It is used once, since nobody could tell whether it still counts the next time.
    give({ expires_in: 0 });
    auth.forget();
    await connect(where, { auth });
    await connect(where, { auth });
    expect([noted.slice(4), asked.length]).toEqual([["Bearer token-2", "Bearer token-3"], 3]);
  });

  it("A4: are renewed before a client reconnects", async () => {
    const { url, give } = await tokens();
    give({ expires_in: 0 });
    const auth = oauth2Grant({ ...WHO, grant: "clientCredentials", tokenUrl: url });
    const { url: where, noted } = await noting(undefined, true);
    const client = new Client(where, { auth, retryConfig: { interval: 0, maxCount: 2, minUptime: 3_600 } });
    await client.closed;
    expect(noted).toEqual(["Bearer token-1", "Bearer token-2", "Bearer token-3"]);
  });

  it("A4: a password is sent again only when the refresh token is used up", async () => {
    const { url, asked, give, answer } = await tokens();
    const auth = oauth2Grant({ ...WHO, grant: "password", tokenUrl: url, username: "ada", password: "p" });
    const { url: where, noted } = await noting();
    give({ expires_in: 0, refresh_token: "refresh-1" });
    await connect(where, { auth });
    give({ expires_in: 0, refresh_token: "refresh-2" });
    await connect(where, { auth });
    answer((response, one) => {
      const isOver = one.body["grant_type"] === "refresh_token";
      const again = { access_token: "token-again", token_type: "bearer" };
      (isOver ? json({ error: "invalid_grant" }, 400) : json(again))(response, one);
    });
    await connect(where, { auth });
    expect(noted).toEqual(["Bearer token-1", "Bearer token-2", "Bearer token-again"]);
    expect(asked.map(({ body }) => body["refresh_token"] ?? body["grant_type"])).toEqual(
      ["password", "refresh-1", "refresh-2", "password"],
    );
  });

  it("A4: a refresh token may be replaced, and whoever keeps it hears of that", async () => {
    const { url, asked, give } = await tokens();
    const kept: string[] = [];
    const auth = oauth2Grant({
      ...WHO,
      grant: "refreshToken",
      tokenUrl: url,
      refreshToken: "r0",
      onRefreshToken: (next) => void kept.push(next),
    });
    const { url: where } = await noting();
    for (const next of ["r1", "r1", "r2"]) {
      give({ expires_in: 0, refresh_token: next });
      await connect(where, { auth });
    }
    expect([kept, asked.map(({ body }) => body["refresh_token"])]).toEqual([["r1", "r2"], ["r0", "r1", "r1"]]);
  });

  it("A4: one that the server refuses can be given up, and the client tries with another", async () => {
    const { url } = await tokens();
    const auth = oauth2Grant({ ...WHO, grant: "clientCredentials", tokenUrl: url });
    const { url: where, noted } = await noting((request, count) =>
      count === 1 ? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" : switching(request)
    );
    const client = await connect(where, {
      auth,
      retryConfig: {
        interval: 0,
        maxCount: 3,
        retryOn({ closure }, byDefault) {
          if (!(closure.error instanceof InvalidHandshakeError) || closure.error.status !== 401) return byDefault;
          auth.forget();
          return true;
        },
      },
    });
    expect([client.isOpen(), noted]).toEqual([true, ["Bearer token-1", "Bearer token-2"]]);
  });

  it("A4: one that many clients are refused with is replaced once", async () => {
    // However slow this machine is, all of it happens within a second.
    vi.useFakeTimers({ toFake: ["Date"] });
    const { url, asked } = await tokens();
    const auth = oauth2Grant({ ...WHO, grant: "clientCredentials", tokenUrl: url });
    const count = 20;
    const refusals: (() => void)[] = [];
    const where = await server(async (peer, request) => {
      if (request.includes("Bearer token-1\r\n")) {
        const { promise, resolve } = deferred();
        refusals.push(resolve);
        // One is refused at once, the others when it is in with another token.
        if (refusals.length === count) refusals[0]!();
        await promise;
        await peer.raw.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      await peer.raw.write(switching(request));
      for (const refuse of refusals) refuse();
    });
    const retryOn: RetryConfig<Client>["retryOn"] = () => {
      auth.forget();
      return true;
    };
    const retryConfig = { interval: 0, maxCount: 3, retryOn };
    const clients = await Promise.all(Array.from({ length: count }, () => connect(where, { auth, retryConfig })));
    expect([clients.every((client) => client.isOpen()), refusals.length, asked.length]).toEqual([true, count, 2]);
  });

  const BAD = { access_token: "s3cret-token", token_type: "bearer" };
  it.each<[string, Answering, string, boolean]>([
    [
      "does not know the program",
      json({ error: "invalid_client", ...BAD }, 401),
      'status 401, "invalid_client"',
      false,
    ],
    ["refuses the user", json({ error: "invalid_grant", error_description: "s3cret" }, 400), '"invalid_grant"', false],
    ["fails", json(BAD, 500), "status 500", true],
    ["has too much to do", json({ error: "slow_down" }, 429), "status 429", true],
    ["gives no token", json({ refresh_token: "s3cret" }), "what is no answer", false],
    ["gives a token of another kind", json({ ...BAD, token_type: "mac" }), "what is no answer", false],
    ["gives a token that no header can carry", json({ ...BAD, access_token: "s3cret \r\n" }), "no bearer token", false],
    ["answers with a page", (response) => void response.end("<html>s3cret"), "what is no answer", false],
    ["never answers", () => {}, "cannot be reached", true],
    ["hangs up", (response) => void response.destroy(), "cannot be reached", true],
  ])("A4: a server that %s is an AuthError without a secret", async (_what, answer, sentence, temporary) => {
    const { url, answer: set } = await tokens();
    set(answer);
    const auth = oauth2Grant({
      ...WHO,
      clientSecret: "s3cret-client",
      grant: "password",
      tokenUrl: `${url}?s3cret=1`,
      username: "ada",
      password: "s3cret-password",
      timeout: 0.5,
    });
    const { url: where, noted } = await noting();
    const error = await failure(connect(where, { auth }));
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ temporary });
    const shown = inspect(error, { depth: 10, showHidden: true });
    expect(shown).toContain(sentence);
    expect(shown).not.toContain("s3cret");
    expect([noted, inspect(auth, { depth: 10 }).includes("s3cret")]).toEqual([[], false]);
  });

  it("A4: a server that comes back is asked again by a client that reconnects", async () => {
    const { url, give, answer, asked } = await tokens();
    answer((response, one) => {
      json({}, 503)(response, one);
      if (asked.length === 2) give();
    });
    const auth = oauth2Grant({ ...WHO, grant: "clientCredentials", tokenUrl: url });
    const { url: where, noted } = await noting();
    await connect(where, { auth, retryConfig: { interval: 0, maxCount: 5 } });
    expect([noted, asked.length]).toEqual([["Bearer token-1"], 3]);
  });
});
