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
