import { describe, expect, it } from "vitest";
import { AuthnError, AuthzError, UpgradeError } from "../../src/errors.ts";
import { authenticate, checkAuthenticators } from "../../src/auth/authentication.ts";
import type { Authenticator, AuthRequest, AuthResult, Identity } from "../../src/auth/authenticator.ts";

const identity = (subject: string, ...scopes: string[]): Identity => ({ subject, scopes, claims: {} });

/** An authenticator that answers, throws or rejects with `result`, and notes what it was asked. */
function authenticator(scheme: string, result: unknown, more: Partial<Authenticator> = {}) {
  const asked: (string | undefined)[] = [];
  const made: Authenticator = {
    scheme,
    ...more,
    authenticate(credentials) {
      asked.push(credentials);
      if (typeof result === "function") return result();
      return result as AuthResult;
    },
  };
  return Object.assign(made, { asked: () => asked });
}

async function ask(
  list: Authenticator[],
  authorization?: string,
  token?: string,
  signal = new AbortController().signal,
) {
  const reported: unknown[] = [];
  const request: AuthRequest = {
    url: "http://a.test/",
    headers: new Headers(authorization === undefined ? {} : { authorization }),
    remoteAddress: undefined,
    secure: false,
    signal,
  };
  const plain = list.map(({ scheme, challenge, scopes, authenticate }) => ({
    scheme,
    challenge,
    scopes,
    authenticate,
  }));
  const outcome = await authenticate(checkAuthenticators(plain)!, request, token, (error) => reported.push(error)).then(
    ({ subject }) => subject,
    (error: unknown) => {
      if (!(error instanceof UpgradeError)) return error;
      const challenge = error.headers.get("www-authenticate");
      return challenge === null ? `${error.status}` : `${error.status} ${challenge}`;
    },
  );
  return { outcome, reported };
}

describe("several authenticators", () => {
  it("are asked in order, until one knows somebody who may", async () => {
    const first = authenticator("Basic", undefined);
    const second = authenticator("Bearer", () => Promise.resolve(identity("ada")));
    const third = authenticator("Bearer", identity("bob"));
    expect((await ask([first, second, third], "Bearer x")).outcome).toBe("ada");
    expect([first.asked(), second.asked(), third.asked()]).toEqual([[undefined], ["x"], []]);
  });

  it("get what is of their scheme, in whatever case", async () => {
    const [basic, bearer] = [authenticator("bAsIc", undefined), authenticator("Bearer", undefined)];
    await ask([basic, bearer], "BASIC YTpi");
    await ask([basic, bearer], "BEARER t", "from elsewhere");
    await ask([basic, bearer], "Basic YTpi", "from elsewhere");
    await ask([basic, bearer], undefined, "from elsewhere");
    expect(basic.asked()).toEqual(["YTpi", undefined, "YTpi", undefined]);
    expect(bearer.asked()).toEqual([undefined, "t", "from elsewhere", "from elsewhere"]);
  });

  it("401 with a challenge for each, once", async () => {
    const basic = authenticator("Basic", undefined, { challenge: 'realm="a"' });
    const refuses = authenticator("Bearer", new AuthnError("old"));
    expect((await ask([basic, refuses, basic], "Bearer x")).outcome).toBe(
      '401 Basic realm="a", Bearer error="invalid_token"',
    );
    expect((await ask([authenticator("Bearer", undefined)])).outcome).toBe("401 Bearer");
    // Only Bearer says what is wrong.
    expect((await ask([authenticator("Digest", new AuthnError("no"))], "Digest x")).outcome).toBe("401 Digest");
  });

  it("A2: 403 only when some authenticated and none may, whatever the order", async () => {
    const reader = authenticator("Bearer", identity("ada", "read"), { scopes: ["write", "update"] });
    const forbids = authenticator("Bearer", new AuthzError("not you"));
    const writer = authenticator("Bearer", identity("bob", "x", "update"), { scopes: ["write", "update"] });
    const refuses = authenticator("Bearer", new AuthnError("no"));
    for (const list of [[reader, writer], [forbids, refuses, writer], [writer, reader]]) {
      expect((await ask(list, "Bearer x")).outcome).toBe("bob");
    }
    const insufficient = '403 Bearer error="insufficient_scope", scope="write update"';
    expect((await ask([refuses, reader], "Bearer x")).outcome).toBe(insufficient);
    expect((await ask([reader, refuses], "Bearer x")).outcome).toBe(insufficient);
    expect((await ask([forbids, refuses], "Bearer x")).outcome).toBe("403");
  });

  it.each<[string, () => unknown]>([
    ["throws", () => {
      throw new Error("unreachable");
    }],
    ["rejects", () => Promise.reject(new Error("unreachable"))],
    ["returns an error", () => new Error("unreachable")],
  ])("one that %s fails closed with 503, and is reported", async (_how, result) => {
    const fails = authenticator("Bearer", result);
    const refuses = authenticator("Bearer", new AuthnError("no"));
    const forbids = authenticator("Bearer", new AuthzError("no"));
    for (const list of [[fails, refuses], [forbids, fails]]) {
      const { outcome, reported } = await ask(list, "Bearer x");
      expect([outcome, reported.map(String)]).toEqual(["503", ["Error: unreachable"]]);
    }
    // Another may still let the client in.
    expect((await ask([fails, authenticator("Bearer", identity("ada"))], "Bearer x")).outcome).toBe("ada");
  });

  it("its own status is the answer when it throws an UpgradeError, and nobody's business", async () => {
    const busy = authenticator(
      "Basic",
      () => Promise.reject(new UpgradeError(503, "busy", { "www-authenticate": "x" })),
    );
    expect(await ask([busy, authenticator("Bearer", undefined)], "Basic x")).toEqual({
      outcome: "503 x",
      reported: [],
    });
    for (const error of [new AuthnError("no"), new AuthzError("no")]) {
      const { outcome, reported } = await ask([authenticator("X", () => Promise.reject(error))]);
      expect([outcome, reported]).toEqual([error instanceof AuthnError ? "401 X" : "403", []]);
    }
  });

  it.each([true, 1, "ada", {}, [], null, { subject: "ada" }, { ...identity("ada"), expiresAt: NaN }, {
    ...identity("ada"),
    scopes: "write",
  }])("%j is no identity: 503, and a TypeError is reported", async (result) => {
    const { outcome, reported } = await ask([authenticator("Bearer", result)]);
    expect(outcome).toBe("503");
    expect(reported).toEqual([expect.any(TypeError)]);
  });

  it("are not asked, nor heard, once the client has left", async () => {
    const leaving = new AbortController();
    const reason = new Error("left");
    const slow = authenticator("Bearer", () => {
      leaving.abort(reason);
      return Promise.reject(new Error("too late"));
    });
    const next = authenticator("Bearer", identity("ada"));
    expect(await ask([slow, next], "Bearer x", undefined, leaving.signal)).toEqual({ outcome: reason, reported: [] });
    expect(next.asked()).toEqual([]);
  });
});

it("the option is a list of at least one authenticator", () => {
  const fine = { scheme: "Basic", authenticate: () => undefined };
  expect(checkAuthenticators(undefined)).toBeUndefined();
  expect(checkAuthenticators([fine])).toHaveLength(1);
  for (
    const [auth, name] of [
      [[], "auth"],
      [fine, "auth"],
      ["basic", "auth"],
      [[null], "auth[0]"],
      [[fine, {}], "auth[1]"],
      [[{ ...fine, scheme: "" }], "auth[0].scheme"],
      [[{ ...fine, challenge: "ä" }], "auth[0].challenge"],
      [[{ ...fine, challenge: "a\r\nb" }], "auth[0].challenge"],
      [[{ ...fine, scopes: [] }], "auth[0].scopes"],
      [[{ ...fine, scope: "a" }], "auth[0].scope"],
    ] as const
  ) {
    expect(() => checkAuthenticators(auth)).toThrow(`Cannot use the option "${name}": `);
  }
});
