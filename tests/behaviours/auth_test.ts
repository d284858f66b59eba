/** The rows A1 to A3 and U9 of the acceptance table: who may connect, whoever tells it, and for how long. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Authenticator,
  AuthnError,
  type AuthRequest,
  type Caller,
  Client,
  type ClientConfiguration,
  type Identity,
  InvalidHandshakeError,
  Listener,
  type ListenerConfiguration,
  type UpgradeContext,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { basicAuth, fileUserStore, hashPassword, type UserStore } from "../../src/adapters/auth/mod.ts";
import { deferred, ECHO, failure, LOOPBACK, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, answerTo, dial, whenOver, upgraded } = onSockets();

const CHEAP = { ln: 10, r: 1, p: 1 };
const folder = mkdtempSync(join(tmpdir(), "hawser-auth-"));
afterAll(() => rmSync(folder, { recursive: true }));
let users: UserStore;
beforeAll(async () => {
  const lines = [
    `alice:${await hashPassword("alice-secret", CHEAP)}:write update`,
    `bob:${await hashPassword("bob-secret", CHEAP)}:read`,
    `zoë:${await hashPassword("p:ä", CHEAP)}:write`,
  ];
  writeFileSync(join(folder, "users"), lines.join("\n"));
  users = fileUserStore(join(folder, "users"));
});

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

/** Tokens that are their own content. */
const TOKENS: Authenticator = {
  scheme: "Bearer",
  authenticate(credentials) {
    if (credentials === undefined) return undefined;
    const [subject = "", seconds = "60"] = credentials.split(".");
    if (subject !== "ada") return new AuthnError("Nobody knows this token");
    const expiresAt = Math.ceil(Date.now() / 1_000) + Number(seconds);
    return { subject, scopes: ["write"], claims: { room: 7 }, expiresAt };
  },
};

/** The status of the answer to a request with this header, its challenges, and its body. */
async function attempt(
  listener: Listener,
  authorization?: string,
  path = "/",
): Promise<{ status: number; challenge: string | null; error: InvalidHandshakeError | undefined }> {
  const config: ClientConfiguration = authorization === undefined ? {} : { customHeaders: { authorization } };
  const error = await connect(listener.url + path, config).then((client) => void client.close(), (error) => error);
  if (error === undefined) return { status: 101, challenge: null, error };
  expect(error).toBeInstanceOf(InvalidHandshakeError);
  return { status: error.status, challenge: error.headers.get("www-authenticate"), error };
}

const statuses = async (listener: Listener, ...headers: (string | undefined)[]): Promise<number[]> => {
  const found: number[] = [];
  for (const header of headers) found.push((await attempt(listener, header)).status);
  return found;
};

describe("Basic against a file of users", () => {
  it("A1: lets in who has the password and one of the scopes", async () => {
    const auth = [basicAuth({ users, scopes: ["write", "update"], realm: "chat" })];
    const listener = await listen(ECHO, {}, { auth });
    const client = await connect(listener.url, { customHeaders: { authorization: basic("alice", "alice-secret") } });
    await client.writeTextMessage("hello");
    expect(await client.readTextMessage()).toBe("hello");
    expect(
      await statuses(
        listener,
        basic("zoë", "p:ä"),
        basic("bob", "bob-secret"),
        basic("bob", "alice-secret"),
        basic("eve", "alice-secret"),
        basic("alice", ""),
        "Basic",
        "Basic %",
        undefined,
      ),
    ).toEqual([101, 403, 401, 401, 401, 401, 401, 401]);
  });

  it("A1: holds for every service of a listener, but for those that say otherwise", async () => {
    const listener = new Listener(0, { host: LOOPBACK, auth: [basicAuth({ users })] });
    whenOver(() => listener.immediateStop());
    listener.attach("/guarded", { get: () => ECHO });
    listener.attach("/other", { auth: [TOKENS], get: () => ECHO });
    listener.attach("/public", { auth: false, get: () => ECHO });
    await listener.start();
    const bob = basic("bob", "bob-secret");
    const found: number[] = [];
    for (const path of ["/guarded", "/other", "/public"]) {
      for (const header of [bob, "Bearer ada", undefined]) found.push((await attempt(listener, header, path)).status);
    }
    expect(found).toEqual([101, 401, 401, 401, 101, 401, 101, 101, 101]);
  });

  it("A1: 503 for who comes when too many wait, and nobody is told but they", async () => {
    const errors: unknown[] = [];
    const hash = await hashPassword("alice-secret");
    writeFileSync(join(folder, "slow"), `alice:${hash}\n`);
    const slow = fileUserStore(join(folder, "slow"), { maxConcurrentChecks: 1, maxWaitingChecks: 1 });
    const listener = await listen(ECHO, {}, {
      auth: [basicAuth({ users: slow })],
      onError: (error) => errors.push(error),
    });
    const alice = basic("alice", "alice-secret");
    const all = await Promise.all(Array.from({ length: 8 }, () => attempt(listener, alice)));
    const found = all.map(({ status }) => status).sort();
    expect(found.filter((status) => status === 101).length).toBeGreaterThanOrEqual(2);
    expect(found.at(-1)).toBe(503);
    expect(all.find(({ status }) => status === 503)!.error!.headers.get("retry-after")).toBe("1");
    expect(errors).toEqual([]);
  });

  it("A1: a store that cannot be read lets nobody in: 503, and onError hears of it, without a secret", async () => {
    const errors: unknown[] = [];
    const file = join(folder, "vanishing");
    writeFileSync(file, "");
    const store = fileUserStore(file);
    rmSync(file);
    const listener = await listen(ECHO, {}, {
      auth: [basicAuth({ users: store })],
      onError: (error) => errors.push(error),
    });
    const { status, error } = await attempt(listener, basic("alice", "alice-secret"));
    expect([status, await error!.body()]).toEqual([503, "Who you are cannot be told at the moment"]);
    expect(errors.map(String)).toEqual([`AuthError: Cannot read the user file ${JSON.stringify(file)}`]);
  });
});

describe("credentials and challenges", () => {
  it("A2: the name of a scheme may be in any case", async () => {
    const listener = await listen(ECHO, {}, { auth: [basicAuth({ users }), TOKENS] });
    const alice = basic("alice", "alice-secret").slice("Basic ".length);
    expect(await statuses(listener, `BASIC ${alice}`, `basic   ${alice}`, "bEARER ada", `Digest ${alice}`)).toEqual(
      [101, 101, 101, 401],
    );
  });

  it("A2: 401 has a challenge for each scheme, and says no more than that", async () => {
    const listener = await listen(ECHO, {}, { auth: [basicAuth({ users, realm: "chat" }), TOKENS] });
    const challenge = 'Basic realm="chat", charset="UTF-8", Bearer';
    const { error, ...none } = await attempt(listener);
    expect(none).toEqual({ status: 401, challenge });
    expect(await error!.body()).toBe("Credentials are needed");
    const wrong = await attempt(listener, basic("alice", "wrong"));
    expect(wrong.challenge).toBe(challenge);
    const unknown = await attempt(listener, basic("eve", "wrong"));
    expect([await wrong.error!.body(), await unknown.error!.body()]).toEqual(
      Array(2).fill("The credentials do not count"),
    );
    expect((await attempt(listener, "Bearer eve")).challenge).toBe(`${challenge} error="invalid_token"`);
  });

  it("A2: 403 only when somebody is known and no scheme lets them in", async () => {
    const may = (scopes: string): Authenticator => ({ ...TOKENS, scopes });
    const refused = await listen(ECHO, { auth: [may("admin"), basicAuth({ users }), may("root")] });
    const { status, challenge } = await attempt(refused, "Bearer ada");
    expect([status, challenge]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="admin", Bearer error="insufficient_scope", scope="root"',
    ]);
    expect((await attempt(refused, "Bearer eve")).status).toBe(401);
    // The original stopped at the first that forbids.
    const tried = await listen(ECHO, { auth: [may("admin"), may("write")] });
    expect((await attempt(tried, "Bearer ada")).status).toBe(101);
  });

  it("A2: two Authorization headers, and one that is cut short, are no credentials", async () => {
    const listener = await listen(ECHO, { auth: [basicAuth({ users })] });
    const alice = basic("alice", "alice-secret");
    const twice = upgradeRequest("/", { Authorization: `${alice}\r\nAuthorization: ${alice}` });
    expect((await answerTo(listener.port, twice)).status).not.toBe(101);
    expect(await statuses(listener, alice.slice(0, -3), `${alice}, ${alice}`)).toEqual([401, 401]);
  });

  const from = { cookie: "token", query: "token", subProtocol: "bearer." };
  const auth = [TOKENS];

  it("A2: a token may come from a cookie, the query or a sub-protocol when the service says so", async () => {
    const listener = await listen(ECHO, { auth, tokenFrom: from, subProtocols: ["chat"] });
    const by = async (url: string, config: ClientConfiguration): Promise<unknown> => {
      const client = await connect(listener.url + url, config);
      return client.getNegotiatedSubProtocol() ?? "open";
    };
    expect(await by("/", { cookies: [{ name: "token", value: "ada" }] })).toBe("open");
    expect(await by("/?token=ada", {})).toBe("open");
    expect(await by("/", { subProtocols: ["bearer.ada", "chat"] })).toBe("chat");
    expect(await by("/", { customHeaders: { authorization: "Bearer ada" } })).toBe("open");
    // What counts first decides.
    const eve = await failure(by("/?token=ada", { customHeaders: { authorization: "Bearer eve" } }));
    expect(eve).toMatchObject({ status: 401 });
    const none = await failure(by("/?tokens=ada", { cookies: [{ name: "x", value: "ada" }] }));
    expect(none).toMatchObject({ status: 401 });
  });

  it("A2: and from nowhere else", async () => {
    const listener = await listen(ECHO, { auth, subProtocols: ["bearer.ada"] });
    for (
      const [url, config] of [
        ["/", { cookies: [{ name: "token", value: "ada" }] }],
        ["/?token=ada", {}],
        ["/", { subProtocols: ["bearer.ada"] }],
      ] as const
    ) {
      expect(await failure(connect(listener.url + url, config))).toMatchObject({ status: 401 });
    }
  });

  it("A2: the sub-protocol with the token is never chosen, nor shown to who chooses", async () => {
    const offers: string[][] = [];
    const listener = await listen(ECHO, {
      auth,
      tokenFrom: from,
      subProtocols: (offered) => {
        offers.push([...offered]);
        return offered[0];
      },
    });
    const answerFor = async (protocols: string): Promise<string> => {
      const raw = await dial(listener.port);
      await raw.write(upgradeRequest("/", { "Sec-WebSocket-Protocol": protocols }));
      return raw.head();
    };
    const head = await answerFor("bearer.ada, chat, bearer.eve");
    expect(head).toMatch(/^HTTP\/1\.1 101/);
    expect(head.match(/^sec-websocket-protocol: .*$/gim)?.map((line) => line.split(": ")[1]!.trim())).toEqual(["chat"]);
    const alone = await answerFor("bearer.ada");
    expect(alone).toMatch(/^HTTP\/1\.1 101/);
    expect(alone).not.toMatch(/ada|bearer/i);
    expect(offers).toEqual([["chat"]]);
  });

  it("A2: no service and no error sees the token of the query", async () => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const asked: AuthRequest[] = [];
    const listener = new Listener(0, { host: LOOPBACK, onError: (error) => errors.push(error) });
    whenOver(() => listener.immediateStop());
    const spy: Authenticator = {
      scheme: "Bearer",
      authenticate(_credentials, request) {
        asked.push(request);
        throw new Error(`Cannot look at ${request.url}`);
      },
    };
    listener.attach("/:room", {
      auth: [spy, TOKENS],
      tokenFrom: from,
      get: (request, { query }) => {
        seen.push(request.url, query.toString());
        return { onOpen: (caller: Caller) => caller.request.url };
      },
    });
    await listener.start();
    const client = await connect(`${listener.url}/hall?a=1&token=ada&b=%20`);
    seen.push(await client.readTextMessage(), asked[0]!.url, ...errors.map(String));
    expect(seen).toHaveLength(5);
    for (const text of seen) expect(text).not.toContain("ada");
    expect(new URL(seen[0]!).search).toBe("?a=1&b=%20");
  });
});

describe("the verified identity", () => {
  it("U9: reaches get and every handler", async () => {
    const told: (Identity | undefined)[] = [];
    const listener = new Listener(0, { host: LOOPBACK, auth: [basicAuth({ users }), TOKENS] });
    whenOver(() => listener.immediateStop());
    listener.attach("/", {
      get(_request, { auth }) {
        told.push(auth);
        return { onTextMessage: (caller: Caller) => ({ ...caller.auth, ...caller.auth?.claims }) };
      },
    });
    await listener.start();
    const talk = async (authorization: string): Promise<unknown> => {
      const client = await connect(listener.url, { customHeaders: { authorization } });
      await client.writeTextMessage("who");
      return JSON.parse(await client.readTextMessage());
    };
    expect(await talk(basic("bob", "bob-secret"))).toEqual({ subject: "bob", scopes: ["read"], claims: {} });
    expect(await talk("Bearer ada")).toMatchObject({ subject: "ada", scopes: ["write"], room: 7 });
    expect(told.map((auth) => auth?.subject)).toEqual(["bob", "ada"]);
  });

  it("U9: there is none where everybody may connect", async () => {
    let auth: unknown = "unset";
    const listener = new Listener(0, { host: LOOPBACK });
    whenOver(() => listener.immediateStop());
    listener.attach("/", {
      get(_request: Request, context: UpgradeContext) {
        auth = context.auth;
        return { onOpen: (caller: Caller) => `${caller.auth}` };
      },
    });
    await listener.start();
    const client = await connect(listener.url, { customHeaders: { authorization: "Bearer ada" } });
    expect([auth, await client.readTextMessage()]).toEqual([undefined, "undefined"]);
  });

  it("U9: get is not asked, and no parameter bound, before it is known", async () => {
    let asked = 0;
    const listener = new Listener(0, { host: LOOPBACK, auth: [TOKENS] });
    whenOver(() => listener.immediateStop());
    listener.attach("/:id", {
      params: {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: () => {
            asked++;
            return { issues: [{ message: "no" }] };
          },
        },
      },
      get: () => {
        asked++;
        return ECHO;
      },
    });
    await listener.start();
    expect([(await attempt(listener, undefined, "/x")).status, asked]).toEqual([401, 0]);
    expect([(await attempt(listener, "Bearer ada", "/x")).status, asked]).toEqual([400, 1]);
  });

  it("U9: a client that leaves while it is looked at costs nothing more", async () => {
    const { promise: asked, resolve: ask } = deferred<AuthSignal>();
    const { promise: aborted, resolve: abort } = deferred();
    let served = 0;
    const slow: Authenticator = {
      scheme: "Bearer",
      authenticate: (_credentials, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => abort());
          ask({ finish: () => resolve({ subject: "ada", scopes: [], claims: {} }) });
        }),
    };
    const listener = new Listener(0, { host: LOOPBACK, auth: [slow] });
    whenOver(() => listener.immediateStop());
    listener.attach("/", {
      get: () => {
        served++;
        return ECHO;
      },
    });
    await listener.start();
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest("/", { Authorization: "Bearer x" }));
    const { finish } = await asked;
    raw.socket.destroy();
    await aborted;
    finish();
    // Whoever comes behind is served as ever, and this one never was.
    await expect.poll(() => listener.stats().left).toBe(1);
    expect([served, listener.stats().opened, raw.received]).toEqual([0, 0, ""]);
  });
});

interface AuthSignal {
  readonly finish: () => void;
}

describe("the end of a token", () => {
  const config: ListenerConfiguration = { auth: [TOKENS] };
  const options: UpgradeServiceOptions = { closeOnExpiry: true };

  it("A3: is the end of the connection, with 3000", async () => {
    const listener = await listen(ECHO, options, config);
    const started = Date.now();
    const peer = await upgraded(listener.port, "/", { Authorization: "Bearer ada.1" });
    await peer.text("hello");
    expect(await peer.nextText()).toBe("hello");
    expect(await peer.closeCode()).toBe(3000);
    expect(Date.now() - started).toBeGreaterThan(900);
  });

  it("A3: in the client's closure, and in onClose, with its reason", async () => {
    const { promise: closed, resolve } = deferred<unknown>();
    const service = { onClose: (_caller: Caller, code: number, reason: string) => resolve([code, reason]) };
    const listener = await listen(service, options, config);
    const client = await connect(listener.url, { customHeaders: { authorization: "Bearer ada.-5" } });
    expect(await client.closed).toMatchObject({ code: 3000, reason: "The credentials have expired" });
    expect(await closed).toEqual([3000, expect.any(String)]);
  });

  it("A3: is nothing to a service that does not say so, nor to one whose identity does not end", async () => {
    const listener = new Listener(0, { host: LOOPBACK, auth: [TOKENS, basicAuth({ users })] });
    whenOver(() => listener.immediateStop());
    listener.attach("/lasting", { get: () => ECHO });
    listener.attach("/ending", { closeOnExpiry: true, get: () => ECHO });
    await listener.start();
    const clients = [
      await Client.connect(`${listener.url}/lasting`, { customHeaders: { authorization: "Bearer ada.-5" } }),
      await Client.connect(`${listener.url}/ending`, { customHeaders: { authorization: basic("bob", "bob-secret") } }),
      // Longer than a timer can count.
      await Client.connect(`${listener.url}/ending`, { customHeaders: { authorization: `Bearer ada.${2 ** 40}` } }),
    ];
    for (const client of clients) {
      whenOver(() => client.terminate());
      await client.writeTextMessage("still here");
      expect(await client.readTextMessage()).toBe("still here");
    }
  });
});
