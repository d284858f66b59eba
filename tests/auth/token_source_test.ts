import { describe, expect, it } from "vitest";
import { checkTokenFrom, findToken, type TokenFrom } from "../../src/auth/token_source.ts";

const URL_ = "http://a.test/chat";
const find = (from: TokenFrom, { url = URL_, cookies = null as string | null, offered = [] as string[] } = {}) =>
  findToken(from, { url, cookies, offered });

describe("a token from elsewhere", () => {
  it.each<[string | null, string | undefined]>([
    [null, undefined],
    ["token=a.b.c", "a.b.c"],
    ["x=1; token=a; token=b", "a"],
    ['token="a"', "a"],
    ["tokens=a; xtoken=b; token", undefined],
    ["Token=a", undefined],
    [" token = a = b ", "a = b"],
    ["token=", ""],
  ])("cookie: %j", (cookies, token) => expect(find({ cookie: "token" }, { cookies }).token).toBe(token));

  it.each<[string, string | undefined, string]>([
    ["", undefined, ""],
    ["?", undefined, "?"],
    ["?token=a.b", "a.b", ""],
    ["?x=1%20+&token=a%2Fb&y", "a/b", "?x=1%20+&y"],
    ["?token=a&token=b&x=1", "a", "?x=1"],
    ["?t%6Fken=a", "a", ""],
    ["?tokens=a&token%3D=b", undefined, "?tokens=a&token%3D=b"],
    ["?token", "", ""],
  ])("query: %j", (query, token, left) => {
    const found = find({ query: "token" }, { url: URL_ + query });
    expect(found).toEqual({ token, url: URL_ + left, offered: [] });
  });

  it("sub-protocol: the first entry with the prefix; none of them stays", () => {
    const from = { subProtocol: "bearer." };
    expect(find(from, { offered: ["chat", "bearer.a.b", "bearer.c"] })).toEqual({
      token: "a.b",
      url: URL_,
      offered: ["chat"],
    });
    expect(find(from, { offered: ["chat", "Bearer.a"] })).toEqual({
      token: undefined,
      url: URL_,
      offered: ["chat", "Bearer.a"],
    });
    expect(find({}, { offered: ["bearer.a"] }).offered).toEqual(["bearer.a"]);
  });

  it("the sub-protocol counts before the cookie, and that before the query, which is taken out all the same", () => {
    const from = { cookie: "t", query: "t", subProtocol: "t." };
    const request = { url: `${URL_}?t=q`, cookies: "t=c", offered: ["t.s"] };
    expect(find(from, request)).toEqual({ token: "s", url: URL_, offered: [] });
    expect(find(from, { ...request, offered: [] }).token).toBe("c");
    expect(find(from, { url: `${URL_}?t=q` }).token).toBe("q");
  });

  it("the option is checked", () => {
    expect(checkTokenFrom(undefined)).toBeUndefined();
    expect(checkTokenFrom({ cookie: "__Host-t", query: "ä", subProtocol: "bearer." })).toEqual(
      { cookie: "__Host-t", query: "ä", subProtocol: "bearer." },
    );
    for (
      const [option, name] of [
        ["cookie", ""],
        [[], ""],
        [{ cookie: "" }, ".cookie"],
        [{ cookie: "a b" }, ".cookie"],
        [{ query: "" }, ".query"],
        [{ query: true }, ".query"],
        [{ subProtocol: "a,b" }, ".subProtocol"],
        [{ subProtocols: "a" }, ".subProtocols"],
      ] as const
    ) {
      expect(() => checkTokenFrom(option)).toThrow(`Cannot use the option "tokenFrom${name}": `);
    }
  });
});
