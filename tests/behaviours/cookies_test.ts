/** The row C10 of the acceptance table: which cookies a client sends, and who hears of those that come. */

import { CookieJar } from "tough-cookie";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  Client,
  type ClientConfiguration,
  ConnectionError,
  type Cookie,
  HandshakeTimedOutError,
  InvalidHandshakeError,
} from "../../mod.ts";
import { deferred, failure, onSockets, switching } from "../support/on_sockets.ts";

const { listen, connect, server } = onSockets();

afterEach(() => void vi.useRealTimers());

/** The `Cookie` headers of a request. */
function cookiesOf(request: string): string[] {
  return [...request.matchAll(/^Cookie: (.*)\r$/gim)].map(([, value]) => value!);
}

const targetOf = (request: string): string => request.split(" ")[1] ?? "";

/** A server that notes what it is asked, and answers by the request's path: with a head, or by opening. */
async function site(answers: Readonly<Record<string, string>> = {}) {
  const asked: [target: string, ...cookies: string[]][] = [];
  const url = await server((peer, request) => {
    const target = targetOf(request);
    asked.push([target, ...cookiesOf(request)]);
    const answer = answers[target] ?? "";
    return peer.raw.write(answer.startsWith("HTTP/") ? answer : switching(request, answer));
  });
  return { asked, url: url.slice(0, -1), port: new URL(url).port };
}

const redirect = (location: string, more = ""): string => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\n${more}\r\n`;

describe("a list", () => {
  it("C10: each URL gets the cookies that are for it, longer paths first, in one header", async () => {
    const { asked, url } = await site();
    const cookies: Cookie[] = [
      { name: "first", value: "1" },
      { name: "second", value: "2", path: "/" },
      { name: "deep", value: "3", path: "/a/b" },
      { name: "aside", value: "4", path: "/ab" },
      { name: "here", value: "5", domain: "127.0.0.1" },
      { name: "elsewhere", value: "6", domain: "example.com" },
      { name: "suffix", value: "7", domain: "0.0.1" },
      { name: "secure", value: "8", secure: true },
      { name: "old", value: "9", expires: new Date(0) },
      { name: "new", value: '"10"', expires: new Date(Date.now() + 60_000), httpOnly: true },
      { name: "none", value: "11", maxAge: 0 },
    ];
    await connect(`${url}/a/b/c`, { cookies });
    await connect(`${url}/a`, { cookies });
    await connect(`${url}/`, { cookies: [{ name: "a", value: "1", path: "/b" }] });
    expect(asked).toEqual([
      ["/a/b/c", 'deep=3; first=1; second=2; here=5; new="10"'],
      ["/a", 'first=1; second=2; here=5; new="10"'],
      ["/"],
    ]);
  });

  it("C10: at a redirect they are matched anew, by host, path and time", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const other = await site();
    const asked: string[][] = [];
    const url = await server((peer, request) => {
      asked.push([targetOf(request), ...cookiesOf(request)]);
      if (targetOf(request) === "/a") return peer.raw.write(redirect("/b"));
      vi.setSystemTime(Date.now() + 10_000);
      return peer.raw.write(redirect(`http://localhost:${other.port}/b`));
    });
    const cookies: Cookie[] = [
      { name: "home", value: "1" },
      { name: "a", value: "2", path: "/a" },
      { name: "theirs", value: "3", domain: "localhost" },
      { name: "brief", value: "4", domain: "localhost", maxAge: 10 },
      { name: "long", value: "5", domain: "localhost", maxAge: 11 },
    ];
    const client = await connect(`${url}a`, { cookies, maxRedirects: 2 });
    expect(asked).toEqual([["/a", "a=2; home=1"], ["/b", "home=1"]]);
    expect(other.asked).toEqual([["/b", "theirs=3; long=5"]]);
    expect(client.getHttpResponse()!.url).toBe(`ws://localhost:${other.port}/b`);
  });

  it("C10: stores nothing; what comes is told, each Set-Cookie by itself", async () => {
    const lines = ["a=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT", "b=2; Path=/"];
    const { asked, url } = await site({ "/": lines.map((line) => `Set-Cookie: ${line}\r\n`).join("") });
    const cookies = [{ name: "own", value: "1" }];
    const client = await connect(url, { cookies });
    expect(client.getHttpResponse()!.headers.getSetCookie()).toEqual(lines);
    await connect(url, { cookies });
    expect(asked).toEqual([["/", "own=1"], ["/", "own=1"]]);
  });

  it.each<[string, Record<string, unknown>]>([
    ["cookies[0].name", { name: "a\r\nX-Evil: 1", value: "1" }],
    ["cookies[0].name", { name: "a=1; admin", value: "1" }],
    ["cookies[0].value", { name: "a", value: "1\r\nX-Evil: 1" }],
    ["cookies[0].value", { name: "a", value: "1\n" }],
    ["cookies[0].value", { name: "a", value: "1; admin=1" }],
    ["cookies[0].value", { name: "a", value: "1\u010d\u010aX-Evil: 1" }],
    ["cookies[0].domain", { name: "a", value: "1", domain: "http://a" }],
    ["cookies[0].path", { name: "a", value: "1", path: "a" }],
    ["cookies[0].expires", { name: "a", value: "1", expires: "tomorrow" }],
    ["cookies[0].maxAge", { name: "a", value: "1", maxAge: NaN }],
    ["cookies[0].sameSite", { name: "a", value: "1", sameSite: "Lax" }],
  ])("C10: %s is refused at once, and nothing is injected: %j", async (where, cookie) => {
    const { asked, url } = await site();
    const config = { cookies: [cookie] } as unknown as ClientConfiguration;
    expect(() => new Client(url, config)).toThrow(`Cannot use the option "${where}": `);
    expect(asked).toEqual([]);
  });

  it("C10: beside a Cookie in customHeaders it is refused", () => {
    const cookies = [{ name: "a", value: "1" }];
    for (const customHeaders of [{ cookie: "b=2" }, new Headers({ Cookie: "b=2" })]) {
      expect(() => new Client("ws://127.0.0.1:1/", { cookies, customHeaders })).toThrow(
        '"cookie" is set by the option "cookies" too',
      );
    }
  });
});

describe("a jar", () => {
  it("C10: tough-cookie's hears of redirects, refusals and openings, and is asked each time", async () => {
    const { asked, url } = await site({
      "/chat": redirect("/login", "Set-Cookie: from=chat\r\nSet-Cookie: deep=1; Path=/login\r\n"),
      "/login": "Set-Cookie: session=7; Path=/; HttpOnly\r\nSet-Cookie: bad=1; Domain=other.test\r\n",
      "/no": "HTTP/1.1 403 No\r\nSet-Cookie: refused=1; Path=/\r\nContent-Length: 0\r\n\r\n",
      "/out": "Set-Cookie: session=; Path=/; Max-Age=0\r\n",
    });
    const cookies = new CookieJar();
    const client = await connect(`${url}/chat`, { cookies, maxRedirects: 1 });
    expect(client.getHttpResponse()!.url).toBe(`${url}/login`);
    expect(await failure(connect(`${url}/no`, { cookies }))).toBeInstanceOf(InvalidHandshakeError);
    await connect(`${url}/out`, { cookies });
    await connect(`${url}/chat/again`, { cookies });
    expect(asked).toEqual([
      ["/chat"],
      ["/login", "deep=1; from=chat"],
      ["/no", "from=chat; session=7"],
      ["/out", "from=chat; session=7; refused=1"],
      ["/chat/again", "from=chat; refused=1"],
    ]);
  });

  it("C10: what it keeps for one host does not go to another", async () => {
    const [one, two] = [await site({ "/": "Set-Cookie: a=1\r\n" }), await site()];
    const cookies = new CookieJar();
    await connect(one.url, { cookies });
    await connect(`ws://localhost:${two.port}/`, { cookies });
    await connect(two.url, { cookies });
    expect(two.asked).toEqual([["/"], ["/", "a=1"]]); // RFC 6265 §8.5: a port is no border
  });

  const never = new Promise<never>(() => {});
  const broken = new Error("disk full");
  const jar = { getCookieString: (): string | Promise<string> => "", setCookie: (): unknown => undefined };

  it.each<[string, Partial<typeof jar>]>([
    ["is asked", { getCookieString: () => Promise.reject(broken) }],
    ["is told", {
      setCookie: () => {
        throw broken;
      },
    }],
  ])(
    "C10: one that fails when it %s is a ConnectionError with the cause, and the socket is let go",
    async (_, part) => {
      const gone = deferred();
      const url = await server(async (peer, request) => {
        await peer.raw.write(switching(request, "Set-Cookie: a=1\r\n"));
        await peer.raw.rest();
        gone.resolve();
      });
      const client = new Client(url, { cookies: { ...jar, ...part } });
      const error = await failure(client.opened);
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ message: "Cannot connect: the cookie jar failed", cause: broken });
      expect(await client.closed).toMatchObject({ code: 1006, error });
      if ("setCookie" in part) await gone.promise;
    },
  );

  it("C10: one that injects a header fails too, before anybody is asked", async () => {
    const { asked, url } = await site();
    const cookies = { ...jar, getCookieString: () => "a=1\r\nX-Evil: 1" };
    expect(await failure(connect(url, { cookies }))).toMatchObject({ cause: { name: "TypeError" } });
    expect(asked).toEqual([]);
  });

  it.each<[string, Partial<typeof jar>]>([
    ["asked", { getCookieString: () => never }],
    ["told", { setCookie: () => never }],
  ])("C10: its time, when it is %s, counts for handshakeTimeout, and a signal ends it", async (_, part) => {
    const { url } = await site({ "/": "Set-Cookie: a=1\r\n" });
    const cookies = { ...jar, ...part };
    expect(await failure(connect(url, { cookies, handshakeTimeout: 0.1 }))).toBeInstanceOf(HandshakeTimedOutError);
    const signal = AbortSignal.timeout(50);
    expect(await failure(connect(url, { cookies, signal }))).toMatchObject({ name: "TimeoutError" });
  });

  it("C10: what comes with the opening waits for it, and is not lost", async () => {
    const release = deferred();
    const url = await server(async (peer, request) => {
      await peer.raw.write(switching(request, "Set-Cookie: a=1\r\n"));
      await peer.text("early");
      release.resolve();
    });
    const client = await connect(url, { cookies: { ...jar, setCookie: () => release.promise } });
    expect(await client.readMessage()).toBe("early");
  });

  it("C10: a flood of Set-Cookie is bounded by the limits of a head", async () => {
    const flood = (count: number): string =>
      Array.from({ length: count }, (_, i) => `Set-Cookie: c${i}=1\r\n`).join("");
    const { url } = await site({
      "/some": flood(250),
      "/many": flood(260),
      "/large": flood(1).replace("1", "x".repeat(70_000)),
    });
    const kept: string[] = [];
    const cookies = { ...jar, setCookie: (setCookie: string) => kept.push(setCookie) };
    await connect(`${url}/some`, { cookies });
    expect(kept).toEqual(Array.from({ length: 250 }, (_, i) => `c${i}=1`));
    for (const path of ["/many", "/large"]) {
      const error = await failure(connect(url + path, { cookies })) as InvalidHandshakeError;
      expect(error.message).toContain("not a usable HTTP head");
    }
    expect(kept).toHaveLength(250);
  });
});

it("C10: our listener sees them, and sets its own", async () => {
  const listener = await listen();
  listener.attach("/session", {
    get: (request, { headers }) => {
      headers.append("set-cookie", "one=1; Path=/");
      headers.append("set-cookie", "two=2; Path=/");
      return { onOpen: () => request.headers.get("cookie") ?? "none" };
    },
  });
  const cookies = new CookieJar();
  const [first, second] = [
    await connect(`${listener.url}/session`, { cookies }),
    await connect(`${listener.url}/session`, { cookies }),
  ];
  expect([await first.readMessage(), await second.readMessage()]).toEqual(["none", "one=1; two=2"]);
});
