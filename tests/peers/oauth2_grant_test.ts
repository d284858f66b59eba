import { afterEach, describe, expect, it, vi } from "vitest";
import { AuthError } from "../../src/errors.ts";
import { type GrantOptions, oauth2Grant } from "../../src/peers/oauth2_grant.ts";

const { signal } = new AbortController();
afterEach(() => void vi.useRealTimers());

function granted(options: object, answer: object = {}) {
  let count = 0;
  const fetch = () =>
    Promise.resolve(Response.json({ access_token: `t${++count}`, token_type: "bearer", expires_in: 100, ...answer }));
  const basis = { grant: "clientCredentials", tokenUrl: "https://a.test/token", clientId: "app", fetch };
  const source = oauth2Grant({ ...basis, ...options } as GrantOptions);
  return { get: async () => await source.authorization(signal), source };
}

describe("a token", () => {
  it.each<[string, object, object, number]>([
    ["ends when the server says, less the skew", {}, {}, 90_000],
    ["ends when the server says", { clockSkew: 0 }, {}, 100_000],
    ["may be told in text", { clockSkew: 0 }, { expires_in: "100" }, 100_000],
    ["ends after an hour when the server says nothing", {}, { expires_in: undefined }, 3_590_000],
    ["is used for half its life at least, however short that is", {}, { expires_in: 8 }, 4_000],
    ["or after the time that is given", { defaultTokenExpTime: 20 }, { expires_in: undefined }, 10_000],
  ])("%s", async (_what, options, answer, ms) => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { get } = granted(options, answer);
    expect(await get()).toBe("Bearer t1");
    vi.setSystemTime(1_000_000 + ms - 1);
    expect(await get()).toBe("Bearer t1");
    vi.setSystemTime(1_000_000 + ms);
    expect(await get()).toBe("Bearer t2");
  });

  it("is given up once, however many were refused with it", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { get, source } = granted({});
    await Promise.all(Array.from({ length: 100 }, get));
    for (let i = 0; i < 100; i++) {
      source.forget();
      expect(await get()).toBe("Bearer t2");
    }
    // The one before has been refused as often as it was used: this is about the new one, at once.
    source.forget();
    expect(await get()).toBe("Bearer t3");
  });

  it("that is new is given up after a second, whatever was used before", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { get, source } = granted({});
    for (let i = 0; i < 10; i++) await get();
    source.forget();
    expect(await get()).toBe("Bearer t2");
    vi.setSystemTime(1_000_999);
    source.forget();
    expect(await get()).toBe("Bearer t2");
    vi.setSystemTime(1_001_000);
    source.forget();
    expect(await get()).toBe("Bearer t3");
  });

  it("of a single client is given up as often as it says so", async () => {
    const { get, source } = granted({});
    for (const expected of ["Bearer t1", "Bearer t2", "Bearer t3"]) {
      expect(await get()).toBe(expected);
      source.forget();
    }
  });

  it("may come with an id token, which nobody looks at", async () => {
    expect(await granted({}, { id_token: "nonsense" }).get()).toBe("Bearer t1");
  });
});

it("what the functions of the options fail with is an AuthError, which may be tried again where that helps", async () => {
  const cause = new Error("no");
  const failing = granted({ grant: "jwtBearer", assertion: () => Promise.reject(cause) }).get();
  await expect(failing).rejects.toMatchObject({
    message: 'Cannot connect: the function "assertion" failed',
    cause,
    temporary: true,
  });
  const own = new AuthError("mine");
  await expect(granted({ grant: "jwtBearer", assertion: () => Promise.reject(own) }).get()).rejects.toBe(own);
  await expect(granted({ grant: "jwtBearer", assertion: () => "" }).get()).rejects.toThrow("made no string");
  const keeping = granted({ grant: "refreshToken", refreshToken: "r", onRefreshToken: () => Promise.reject(cause) }, {
    refresh_token: "s",
  });
  await expect(keeping.get()).rejects.toMatchObject({ name: "AuthError", cause });
});

it.each<[object, string]>([
  [{ grant: undefined }, "grant"],
  [{ grant: "toString" }, "grant"],
  [{ grant: "password", password: "s3cret" }, "username"],
  [{ grant: "password", username: "ada", password: "" }, "password"],
  [{ grant: "refreshToken" }, "refreshToken"],
  [{ grant: "refreshToken", refreshToken: "s3cret", onRefreshToken: 1 }, "onRefreshToken"],
  [{ grant: "jwtBearer" }, "assertion"],
  [{ username: "ada" }, "username"],
  [{ tokenUrl: "http://a.test/" }, "tokenUrl"],
  [{ tokenUrl: undefined }, "tokenUrl"],
  [{ clientId: undefined }, "clientId"],
  [{ scopes: [] }, "scopes"],
  [{ defaultTokenExpTime: -1 }, "defaultTokenExpTime"],
  [{ clockSkew: "1" }, "clockSkew"],
])("%j is refused", (options, name) => {
  expect(() => granted(options)).toThrow(`Cannot use the option "${name}": `);
  expect(() => granted(options)).not.toThrow("s3cret");
});
