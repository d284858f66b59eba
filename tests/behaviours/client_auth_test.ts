/** The row A4 of the acceptance table: who a client says it is, each time it connects. */

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { AuthError, Client, type ClientAuth, type ClientConfiguration } from "../../mod.ts";
import { issuedJwt, jwtAuth } from "../../src/peers/jose.ts";
import { deferred, ECHO, failure, onSockets, switching } from "../support/on_sockets.ts";

const { listen, connect, server } = onSockets();

/** A server that notes the `Authorization` of each request, lets it in, and cuts the connection if it is told to. */
async function noting(drop = false) {
  const noted: (string | undefined)[] = [];
  const url = await server(async (peer, request) => {
    noted.push(/^authorization: (.*)\r$/im.exec(request)?.[1]);
    await peer.raw.write(switching(request));
    if (drop) peer.raw.socket.destroy();
  });
  return { url, noted };
}

const sent = async (auth: ClientAuth): Promise<string | undefined> => {
  const { url, noted } = await noting();
  await connect(url, { auth });
  return noted[0];
};

describe("a client's credentials", () => {
  it("A4: a user name and a password", async () => {
    expect(await sent({ username: "Aladdin", password: "open sesame" })).toBe("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    expect(await sent({ username: "zoë", password: "p:ä" })).toBe(`Basic ${Buffer.from("zoë:p:ä").toString("base64")}`);
  });

  it("A4: a bearer token, or a function that gets one", async () => {
    expect(await sent({ token: "a.b.c" })).toBe("Bearer a.b.c");
    expect(await sent({ token: () => "t" })).toBe("Bearer t");
    expect(await sent({ token: () => Promise.resolve("t") })).toBe("Bearer t");
    expect(await sent({ authorization: () => "ApiKey 7f3a" })).toBe("ApiKey 7f3a");
  });

  it("A4: a token of its own making, which a listener takes", async () => {
    const secret = "a secret of more than thirty-two bytes";
    const listener = await listen({ onTextMessage: (caller) => caller.auth?.claims }, {
      auth: [jwtAuth({ key: { secret }, issuer: "me", audience: "chat", maxTokenAge: 60, scopes: "write" })],
    });
    const auth = issuedJwt({
      key: { secret },
      subject: "ada",
      issuer: "me",
      audience: "chat",
      keyId: "k1",
      customClaims: { scope: "write", room: 7 },
    });
    const client = await connect(listener.url, { auth });
    await client.writeTextMessage("who");
    const claims = JSON.parse(await client.readTextMessage());
    expect(claims).toMatchObject({ sub: "ada", iss: "me", aud: "chat", scope: "write", room: 7 });
    expect(claims.exp - claims.iat).toBe(300);
    const other = issuedJwt({ key: { secret: `${secret}!` }, issuer: "me", audience: "chat" });
    expect(await failure(connect(listener.url, { auth: other }))).toMatchObject({ status: 401 });
  });

  it("A4: are made anew for each connection", async () => {
    const { url, noted } = await noting(true);
    let count = 0;
    const client = new Client(url, {
      auth: { token: () => `t${++count}` },
      retryConfig: { interval: 0, maxCount: 3, minUptime: 3_600 },
    });
    await client.closed;
    expect(noted).toEqual(["Bearer t1", "Bearer t2", "Bearer t3", "Bearer t4"]);
  });

  it("A4: go along to the same origin, and to no other", async () => {
    const stranger = await noting();
    const requests: string[] = [];
    const home = await server((peer, request) => {
      requests.push(request);
      const location = requests.length === 1 ? "/again" : stranger.url;
      return peer.raw.write(`HTTP/1.1 302 On\r\nLocation: ${location}\r\n\r\n`);
    });
    await connect(home, { auth: { username: "ada", password: "secret-1" }, maxRedirects: 2 });
    const basic = /^Authorization: Basic YWRhOnNlY3JldC0x\r$/m;
    expect([requests.length, ...requests.map((request) => basic.test(request)), stranger.noted]).toEqual(
      [2, true, true, [undefined]],
    );
  });

  it("A4: have one place only", async () => {
    const auth = { token: "secret-1" };
    expect(() => new Client("ws://127.0.0.1:1/", { auth, customHeaders: { AUTHORIZATION: "x" } })).toThrow(
      'Cannot use the option "customHeaders": "AUTHORIZATION" is set by the option "auth" too',
    );
    const { url, noted } = await noting();
    const late = failure(connect(url, { auth, customHeaders: () => ({ authorization: "x" }) }));
    expect(await late).toBeInstanceOf(TypeError);
    const { url: fine } = await noting();
    expect((await connect(fine, { auth, customHeaders: { "x-a": "1" } })).isOpen()).toBe(true);
    expect(noted).toEqual([]);
  });
});

describe("credentials that cannot be had", () => {
  it("A4: are an AuthError that says what failed", async () => {
    const cause = new Error("the login server is down");
    const error = await failure(connect("ws://127.0.0.1:1/", { auth: { token: () => Promise.reject(cause) } }));
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({
      code: "ERR_AUTH",
      message: 'Cannot connect: the function "auth.token" failed',
      cause,
      temporary: true,
    });
  });

  it("A4: are tried again, when the client reconnects, unless they are refused for good", async () => {
    const { url, noted } = await noting();
    let count = 0;
    const token = (): string => {
      if (++count < 3) throw new Error("down");
      return "t";
    };
    const retryConfig = { interval: 0, maxCount: 5 };
    await connect(url, { auth: { token }, retryConfig });
    expect([count, noted]).toEqual([3, ["Bearer t"]]);
    const final = new AuthError("Cannot log in: the account is closed");
    let asked = 0;
    const client = new Client(url, {
      auth: {
        authorization: () => {
          asked++;
          throw final;
        },
      },
      retryConfig,
    });
    expect((await client.closed).error).toBe(final);
    expect(asked).toBe(1);
  });

  it("A4: may not take longer than the handshake, nor than somebody wants to wait", async () => {
    const { promise: aborted, resolve } = deferred<unknown>();
    const auth: ClientAuth = {
      authorization: (signal) => {
        signal.addEventListener("abort", () => resolve(signal.reason));
        return new Promise(() => {});
      },
    };
    const error = await failure(connect("ws://127.0.0.1:1/", { auth, handshakeTimeout: 0.05 }));
    expect(error).toMatchObject({ name: "HandshakeTimedOutError" });
    expect(await aborted).toBe(error);
    const leaving = new AbortController();
    const left = failure(connect("ws://127.0.0.1:1/", { auth, signal: leaving.signal }));
    leaving.abort(new Error("enough"));
    expect(await left).toEqual(new Error("enough"));
  });

  it("A4: no secret is in an error, whatever goes wrong", async () => {
    const secrets = ["secret-password", "secret-token", "a secret of more than thirty-two bytes"];
    const refusing = await listen(ECHO, { auth: [{ scheme: "Bearer", authenticate: () => undefined }] });
    const broken = await server((peer) => peer.raw.write("nonsense\r\n\r\n"));
    const closing = await server((peer) => peer.raw.socket.destroy());
    const auths: ClientAuth[] = [
      { username: "ada", password: secrets[0]! },
      { token: secrets[1]! },
      issuedJwt({ key: { secret: secrets[2]! }, subject: "ada" }),
    ];
    for (const auth of auths) {
      for (const url of [refusing.url, broken, closing, "ws://127.0.0.1:1/"]) {
        const error = await failure(connect(url, { auth }));
        const shown = inspect(error, { depth: 10, showHidden: true });
        for (const secret of [...secrets, Buffer.from(`ada:${secrets[0]}`).toString("base64")]) {
          expect(shown).not.toContain(secret);
        }
      }
    }
    const client = new Client(refusing.url, { auth: auths[1]! } as ClientConfiguration);
    await client.closed;
    for (const secret of secrets) expect(inspect(client, { depth: 10 })).not.toContain(secret);
  });
});
