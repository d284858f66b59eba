import { describe, expect, it } from "vitest";
import { Router } from "../../src/service/router.ts";
import type { UpgradeService } from "../../src/service/service.ts";

function service(): UpgradeService {
  return { get: () => ({}) };
}

/** The path that `pathname` leads to, and the parameters. */
function route(paths: readonly string[], pathname: string): [string, Record<string, string>] | undefined {
  const router = new Router();
  const services = paths.map(service);
  paths.forEach((path, i) => router.attach(path, services[i]!));
  const match = router.match(pathname);
  return match && [paths[services.indexOf(match.service)]!, { ...match.params }];
}

describe("L3: a path leads to the service attached there", () => {
  it.each<[string[], string, string, Record<string, string>]>([
    [["/"], "/", "/", {}],
    [["/chat"], "/chat", "/chat", {}],
    [["/chat"], "/chat/", "/chat", {}],
    [["/chat/"], "/chat", "/chat/", {}],
    [["/chat/:name"], "/chat/ada", "/chat/:name", { name: "ada" }],
    [["/chat/:room/:name"], "/chat/1/ada", "/chat/:room/:name", { room: "1", name: "ada" }],
    [["/:a/x/:b"], "/1/x/2", "/:a/x/:b", { a: "1", b: "2" }],
    [["/on-Text-String/abc-d"], "/on-Text-String/abc-d", "/on-Text-String/abc-d", {}],
    [["/größe"], "/gr%C3%B6%C3%9Fe", "/größe", {}],
    [["/gr%C3%B6%C3%9Fe"], "/gr%C3%B6%C3%9Fe", "/gr%C3%B6%C3%9Fe", {}],
    [["/a%20b"], "/a%20b", "/a%20b", {}],
    [["/chat/:name"], "/chat/a%2Fb", "/chat/:name", { name: "a/b" }],
    [["/%3Aname"], "/:name", "/%3Aname", {}],
    [["/files/*"], "/files/a/b%20c", "/files/*", { "*": "a/b c" }],
    [["/files/*"], "/files", "/files/*", { "*": "" }],
    [["/*"], "/", "/*", { "*": "" }],
    [["/:a/*"], "/1/2/3", "/:a/*", { a: "1", "*": "2/3" }],
    [["/chat"], "//chat", "/chat", {}],
    [["/a/b"], "/a//b//", "/a/b", {}],
    [["/a/b"], "/;x=1/a/;/b/;y", "/a/b", {}],
    [["/:a"], "/;x=1/1", "/:a", { a: "1" }],
    [["/"], "", "/", {}],
  ])("%j: %s", (paths, pathname, path, params) => expect(route(paths, pathname)).toEqual([path, params]));

  it.each<[string[], string]>([
    [["/chat"], "/"],
    [["/chat"], "/Chat"],
    [["/chat"], "/chat/ada"],
    [["/chat"], "/chatter"],
    [["/chat/:name"], "/chat"],
    [["/chat/:name"], "/chat/"],
    [["/chat/:name"], "/chat/ada/x"],
    [["/a/:x/c"], "/a/b/d"],
    [["/chat"], "/constructor"],
    [["/chat"], "/__proto__"],
  ])("%j: %s leads nowhere", (paths, pathname) => expect(route(paths, pathname)).toBeUndefined());

  it.each<[string, Record<string, string>]>([
    ["/isOpen/abc;a=4;b=5/barz/xyz", { b: "barz" }],
    ["/isOpen;x/abc/barz;c=1/xyz;", { b: "barz" }],
    ["/isOpen/abc/b%3Bc/xyz", { b: "b;c" }],
  ])("matrix parameters do not disturb: %s", (pathname, params) => {
    expect(route(["/isOpen/abc/:b/xyz"], pathname)).toEqual(["/isOpen/abc/:b/xyz", params]);
  });

  it.each([
    ["/a/b/c", "/a/b/c"],
    ["/a/b/d", "/a/b/*"],
    ["/a/x/c", "/a/:x/c"],
    ["/a/x/d", "/a/*"],
    ["/a", "/a/*"],
    ["/b", "/:x"],
    ["/b/c", "/*"],
    ["/", "/*"],
    ["/a/b", "/a/b/*"],
  ])("the most specific wins: %s leads to %s", (pathname, path) => {
    const paths = ["/*", "/:x", "/a/*", "/a/:x/c", "/a/b/*", "/a/b/c"];
    expect(route(paths, pathname)?.[0]).toBe(path);
    expect(route(paths.reverse(), pathname)?.[0]).toBe(path);
  });

  it("parameters of a branch that led nowhere are forgotten", () => {
    expect(route(["/:a/:b/x", "/:c/*"], "/1/2/y")).toEqual(["/:c/*", { c: "1", "*": "2/y" }]);
  });

  it("a parameter may have any name", () => {
    expect(route(["/:__proto__/:constructor"], "/1/2")).toEqual([
      "/:__proto__/:constructor",
      Object.fromEntries([["__proto__", "1"], ["constructor", "2"]]),
    ]);
  });

  it("12: a bad percent-escape is a URIError, and no claim", () => {
    const router = new Router();
    router.attach("/:name", service());
    for (const pathname of ["/%", "/%zz", "/%ff", "/%c3%28"]) {
      expect(() => router.match(pathname)).toThrow(URIError);
      expect(router.claims(pathname)).toBe(false);
    }
    expect(router.claims("/ada")).toBe(true);
    expect(router.claims("/ada/x")).toBe(false);
  });

  it("a long path costs no more than the tree is deep", () => {
    const router = new Router();
    router.attach("/:a/:b/x", service());
    router.attach("/a/*", service());
    expect(router.match(`/a${"/b".repeat(100_000)}`)?.params["*"]).toHaveLength(199_999);
    expect(router.match(`/b${"/b".repeat(100_000)}`)).toBeUndefined();
  });
});

describe("L3: what cannot be attached is refused at once, and leaves no trace", () => {
  it.each([
    ["/chat", "/chat"],
    ["/chat", "/chat/"],
    ["/chat", "//chat"],
    ["/a%62", "/ab"],
    ["/:a/x", "/:b/x"],
    ["/x/*", "/x/*"],
  ])("%s, then %s: the same path twice", (first, second) => {
    const router = new Router();
    router.attach(first, service());
    expect(() => router.attach(second, service())).toThrow(
      new TypeError(`Cannot attach "${second}": the same path is attached already, as "${first}"`),
    );
  });

  it.each<[unknown, RegExp]>([
    ["chat", /starts with "\/"/],
    ["", /starts with "\/"/],
    [undefined, /starts with "\/"/],
    ["/*/x", /only for the last segment/],
    ["/:", /"" is not a name/],
    ["/:a-b", /"a-b" is not a name/],
    ["/:1", /"1" is not a name/],
    ["/:a/:a", /two parameters of the name "a"/],
    ["/a;b", /unless they are escaped/],
    ["/a?b", /unless they are escaped/],
    ["/a#b", /unless they are escaped/],
    ["/%ff", /percent-escape/],
  ])("%j", (path, reason) => {
    const router = new Router();
    const bad = service();
    expect(() => router.attach(path as string, bad)).toThrow(reason);
    expect(() => router.detach(bad)).toThrow(TypeError);
  });

  it("a service without get, or that is none", () => {
    const router = new Router();
    expect(() => router.attach("/x", {} as never)).toThrow(
      new TypeError('Cannot attach "/x": the service has no "get"'),
    );
    expect(() => router.attach("/x", null as never)).toThrow(/not an object/);
    expect(() => router.attach("/x", (() => {}) as never)).toThrow(/not an object/);
    expect(router.match("/x")).toBeUndefined();
  });

  it("a wrong option", () => {
    const router = new Router();
    expect(() => router.attach("/x", { get: () => ({}), idleTimeout: -1 })).toThrow(/"idleTimeout"/);
    expect(router.match("/x")).toBeUndefined();
  });
});

describe("L4: detach", () => {
  it("takes a service out of every path, and nothing else", () => {
    const router = new Router();
    const [one, two] = [service(), service()];
    router.attach("/a", one);
    router.attach("/a/:b", one);
    router.attach("/c/*", one);
    router.attach("/a/:b/c", two);
    router.detach(one);
    expect(["/a", "/a/1", "/c/1"].map(router.claims)).toEqual([false, false, false]);
    expect(router.match("/a/1/c")?.service).toBe(two);
    router.attach("/a/:x", one);
    expect(router.match("/a/1")?.params).toMatchObject({ x: "1" });
  });

  it("what was never attached, or not any more, is an error", () => {
    const router = new Router();
    const one = service();
    expect(() => router.detach(one)).toThrow(new TypeError("Cannot detach the service: it is not attached"));
    router.attach("/", one);
    router.detach(one);
    expect(() => router.detach(one)).toThrow(TypeError);
  });
});

it("R2: the methods of a router work unbound", () => {
  const { attach, detach, match, claims } = new Router();
  const one = service();
  attach("/x", one);
  expect(match("/x")?.service).toBe(one);
  detach(one);
  expect(claims("/x")).toBe(false);
});
