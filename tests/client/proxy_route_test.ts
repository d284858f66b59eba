import { describe, expect, it } from "vitest";
import { checkProxy } from "../../src/client/http_proxy.ts";
import { proxyRoute } from "../../src/client/proxy_route.ts";
import { UnsupportedError } from "../../src/errors.ts";

const WS = { hostname: "a.test", port: 80, secure: false };
const WSS = { hostname: "a.test", port: 443, secure: true };
const UNIX = { hostname: "localhost", port: 0, secure: false, socketPath: "/a.sock" };

/** The hosts of the proxies that lead to a `ws:` and a `wss:` URL in an environment. */
function hosts(environment: Readonly<Record<string, string>>): (string | undefined)[] {
  const route = proxyRoute("environment", { name: "test", readEnvironment: (name) => environment[name] });
  return [WS, WSS].map((target) => route(target)?.dial.hostname);
}

it("leads to every target through the proxy that was named, and to none through none", () => {
  const proxy = checkProxy("http://p");
  const readEnvironment = (): never => {
    throw new Error("It was not asked for");
  };
  const route = proxyRoute(proxy, { name: "test", readEnvironment });
  expect([route(WS), route(WSS)]).toEqual([proxy, proxy]);
  expect(() => route(UNIX)).toThrow(
    new TypeError('Cannot use the option "proxy": a Unix socket is not reached through a proxy'),
  );
  const direct = proxyRoute(undefined, { name: "test", readEnvironment });
  expect([WS, WSS, UNIX].map(direct)).toEqual([undefined, undefined, undefined]);
});

describe("the environment", () => {
  it.each<[Record<string, string>, ws: string | undefined, wss: string | undefined]>([
    [{}, undefined, undefined],
    [{ HTTP_PROXY: "http://p" }, "p", undefined],
    [{ http_proxy: "http://p" }, "p", undefined],
    [{ HTTPS_PROXY: "http://s" }, undefined, "s"],
    [{ https_proxy: "http://s" }, undefined, "s"],
    [{ ALL_PROXY: "http://x" }, "x", "x"],
    [{ all_proxy: "http://x", HTTP_PROXY: "http://p" }, "p", "x"],
    [{ http_proxy: "http://low", HTTP_PROXY: "http://up" }, "low", undefined],
    [{ https_proxy: "", HTTPS_PROXY: " ", all_proxy: "http://x" }, "x", "x"],
    [{ HTTP_PROXY: "p:3128", HTTPS_PROXY: "a:b@s" }, "p", "s"],
    [{ ALL_PROXY: "http://x", NO_PROXY: "b.test" }, "x", "x"],
    [{ ALL_PROXY: "http://x", NO_PROXY: "test" }, undefined, undefined],
    [{ ALL_PROXY: "http://x", no_proxy: "a.test:80" }, undefined, "x"],
    [{ ALL_PROXY: "http://x", no_proxy: "b.test", NO_PROXY: "*" }, "x", "x"],
    [{ ALL_PROXY: "http://x", no_proxy: "", NO_PROXY: "*" }, undefined, undefined],
    // A CGI program: "HTTP_PROXY" is whatever the client sent as "Proxy".
    [{ http_proxy: "http://p", HTTP_PROXY: "http://evil", REQUEST_METHOD: "GET" }, "p", undefined],
  ])("%j", (environment, ws, wss) => expect(hosts(environment)).toEqual([ws, wss]));

  it("does not lead to Unix sockets", () => {
    const route = proxyRoute("environment", { name: "test", readEnvironment: () => "http://p" });
    expect(route(UNIX)).toBeUndefined();
  });

  it("hands over the credentials", () => {
    const route = proxyRoute("environment", {
      name: "test",
      readEnvironment: (name) => ({ HTTPS_PROXY: "a:b@s" })[name],
    });
    expect(route(WSS)?.headers).toEqual([["Proxy-Authorization", "Basic YTpi"]]);
  });

  it.each<[Record<string, string>, string]>([
    [{ http_proxy: "socks5://a:secret@p" }, 'variable "http_proxy": its scheme is not "http:" or "https:"'],
    [{ ALL_PROXY: "http://a:secret@p:port" }, 'variable "ALL_PROXY": it is not a URL'],
    [
      { HTTP_PROXY: "http://secret", REQUEST_METHOD: "GET" },
      'variable "HTTP_PROXY": "REQUEST_METHOD" is set, and it may come from a request',
    ],
  ])("refuses %j by the variable's name, without its value", (environment, sentence) => {
    expect(() => hosts(environment)).toThrow(new TypeError(`Cannot use the environment ${sentence}`));
  });

  it("says why it cannot be read, and that there is none", () => {
    const cause = new Error('Requires env access to "http_proxy"');
    const route = proxyRoute("environment", {
      name: "test",
      readEnvironment: () => {
        throw cause;
      },
    });
    expect(() => route(WS)).toThrow(
      new TypeError('Cannot use the option "proxy": Requires env access to "http_proxy"', { cause }),
    );
    expect(() => proxyRoute("environment", { name: "test" })).toThrow(UnsupportedError);
  });
});
