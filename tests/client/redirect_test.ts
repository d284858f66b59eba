import { describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { clientRuntime } from "../../src/client/connect.ts";
import { checkClient, type ClientOptions } from "../../src/client/options.ts";
import { headersAlong, redirectOf, tlsAlong, unusableRedirect } from "../../src/client/redirect.ts";
import { parseTarget } from "../../src/client/target.ts";
import { HandshakeTimedOutError, InvalidHandshakeError } from "../../src/errors.ts";
import type { Runtime } from "../../src/transport/runtime.ts";
import type { ClientTls } from "../../src/transport/tls.ts";
import { ScriptedServer, switching } from "../support/scripted_server.ts";

const answer = (status: number, location?: string) => ({
  status,
  reason: "",
  version: "1.1",
  headers: new Headers(location === undefined ? {} : { location }),
});
const FROM = "ws://a.example/p/q?x=1";

describe("redirectOf (C8)", () => {
  it.each<[string, string, string]>([
    ["/r", FROM, "ws://a.example/r"],
    ["r?y=2", FROM, "ws://a.example/p/r?y=2"],
    ["?y=2", FROM, "ws://a.example/p/q?y=2"],
    ["../r", FROM, "ws://a.example/r"],
    ["//b.example/r", FROM, "ws://b.example/r"],
    ["//b.example/r", "wss://a.example/", "wss://b.example/r"],
    ["ws://b.example/r", FROM, "ws://b.example/r"],
    ["http://b.example:81/r", FROM, "ws://b.example:81/r"],
    ["https://a.example/r", FROM, "wss://a.example/r"],
    ["wss://a.example/r", "wss://a.example/", "wss://a.example/r"],
    ["http://[::1]:8/r", FROM, "ws://[::1]:8/r"],
    ["/r#part", FROM, "ws://a.example/r"],
    ["/r#", FROM, "ws://a.example/r"],
    ["HTTP://B.EXAMPLE", FROM, "ws://b.example/"],
    [`/${"x".repeat(60_000)}`, FROM, `ws://a.example/${"x".repeat(60_000)}`],
  ])("%.40s of %s leads to %.40s", (location, from, to) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const redirect = redirectOf(answer(status, location), new URL(from), 0, 1);
      expect(redirect && "to" in redirect && redirect.to.href).toBe(to);
    }
  });

  it.each<[string | undefined, string, string]>([
    [undefined, FROM, 'it has no "Location"'],
    ["", FROM, 'it has no "Location"'],
    ["/a b", FROM, 'its "Location" is not a URL'],
    ["/\xe9", FROM, 'its "Location" is not a URL'],
    ["/a, /b", FROM, 'its "Location" is not a URL'],
    ["http://", FROM, 'its "Location" is not a URL for a WebSocket'],
    ["http://b:99999/", FROM, 'its "Location" is not a URL for a WebSocket'],
    ["ftp://b.example/", FROM, 'its "Location" is not a URL for a WebSocket'],
    ["javascript:alert(1)", FROM, 'its "Location" is not a URL for a WebSocket'],
    ["file:///etc/passwd", FROM, 'its "Location" is not a URL for a WebSocket'],
    ["ws+unix:/run/a.sock:/x", FROM, 'its "Location" is not a URL for a WebSocket'],
    ["http://user:pass@b.example/", FROM, 'its "Location" has a user name or a password'],
    ["http://:pass@b.example/", FROM, 'its "Location" has a user name or a password'],
    ["ws://user@a.example/", FROM, 'its "Location" has a user name or a password'],
    ["ws://a.example/", "wss://a.example/", 'it leads out of TLS, to "ws:"'],
    ["http://b.example/", "wss://a.example/", 'it leads out of TLS, to "ws:"'],
  ])("%j of %s is refused: %s", (location, from, problem) => {
    const redirect = redirectOf(answer(302, location), new URL(from), 0, 5);
    expect(redirect).toMatchObject({ problem });
    if (problem.endsWith("WebSocket")) expect(redirect).toHaveProperty("cause", expect.any(TypeError));
  });

  it("refuses the one behind the limit, wherever it leads", () => {
    const problem = '2 were followed already, the limit of "maxRedirects"';
    expect(redirectOf(answer(302, "/r"), new URL(FROM), 1, 2)).toHaveProperty("to");
    expect(redirectOf(answer(302, "/r"), new URL(FROM), 2, 2)).toEqual({ problem });
    expect(redirectOf(answer(302), new URL(FROM), 2, 2)).toEqual({ problem });
  });

  it("is not concerned with other answers, nor with any when none is followed", () => {
    for (const status of [101, 200, 300, 304, 305, 306, 309, 400]) {
      expect(redirectOf(answer(status, "/r"), new URL(FROM), 0, 5)).toBeUndefined();
    }
    expect(redirectOf(answer(302, "/r"), new URL(FROM), 0, 0)).toBeUndefined();
  });

  it("makes an error with status, headers, body and cause", async () => {
    const cause = new TypeError("x");
    const error = unusableRedirect({ problem: "so", cause }, answer(307, "/r"), () => Promise.resolve("text"));
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.message).toBe("Cannot follow the redirect of status 307: so");
    expect([error.status, error.headers.get("location"), await error.body(), error.cause]).toEqual([
      307,
      "/r",
      "text",
      cause,
    ]);
    expect("cause" in unusableRedirect({ problem: "so" }, answer(307), () => Promise.resolve(""))).toBe(false);
  });
});

describe("headersAlong (C8)", () => {
  const headers = [
    ["AUTHORIZATION", "Basic x"],
    ["X-Trace", "7"],
    ["cookie", "a=1"],
    ["Proxy-Authorization", "Basic y"],
    ["Origin", "https://page.example"],
  ] as const;

  it.each<[string, boolean]>([
    ["ws://a.example/other", true],
    ["ws://a.example:80/other", true],
    ["ws://a.example:81/", false],
    ["wss://a.example/", false],
    ["wss://a.example:80/", false],
    ["ws://b.a.example/", false],
    ["ws://b.example/", false],
  ])("to %s goes what says who asks: %s", (to, along) => {
    const names = [...headersAlong(headers, new URL(FROM), new URL(to))].map(([name]) => name);
    expect(names).toEqual(along ? headers.map(([name]) => name) : ["X-Trace", "Origin"]);
  });
});

/** Several servers, and a runtime that reaches one after the other, whatever it dials. */
function scripted() {
  const servers = Array.from({ length: 5 }, () => new ScriptedServer());
  let dialled = 0;
  const runtime: Runtime = {
    ...servers[0]!.runtime,
    dial: (...to) => servers[dialled++]!.runtime.dial(...to),
  };
  return { servers, runtime, dialled: () => dialled };
}

/** A client of such servers, connecting. */
async function start(options: ClientOptions<unknown>, url = "ws://a.example/p") {
  const { servers, runtime, dialled } = scripted();
  const [first] = servers as [ScriptedServer];
  const controller = new AbortController();
  const opened = clientRuntime(runtime).connect(parseTarget(url), checkClient(options), controller.signal);
  opened.catch(() => {});
  await first.settle();
  /** The server of the `i`th connection answers. */
  const say = async (i: number, text: string): Promise<void> => {
    servers[i]!.write(text);
    await first.settle();
  };
  const line = (i: number, name: string): string | undefined =>
    new RegExp(`^${name}: (.*)\r$`, "im").exec(servers[i]!.request ?? "")?.[1];
  return { servers, clock: first.clock, controller, opened, say, line, dialled };
}

const to = (location: string, more = ""): string => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\n${more}\r\n`;

describe("following (C8)", () => {
  it("asks there as it asked before, with a new key, and lets the earlier socket go at once", async () => {
    const { servers, clock, opened, say, line } = await start({
      maxRedirects: 1,
      subProtocols: "v1",
      origin: "https://page.example",
      customHeaders: { Authorization: "Basic x", "X-Trace": "7" },
    });
    // The body that it announces never comes.
    await say(0, to("https://b.example/q?y=1", "Content-Length: 100\r\n"));
    expect(servers[0]!.isClosed).toBe(true);
    expect(servers[1]!.targets).toEqual([{ hostname: "b.example", port: 443, secure: true }]);
    expect(servers[1]!.request).toMatch(/^GET \/q\?y=1 HTTP\/1\.1\r\nHost: b\.example\r\n/);
    expect([line(1, "Sec-WebSocket-Protocol"), line(1, "Origin"), line(1, "X-Trace"), line(1, "Authorization")])
      .toEqual(["v1", "https://page.example", "7", undefined]);
    await say(1, switching({ "Sec-WebSocket-Protocol": "v1" }));
    const { socket, response } = await opened;
    expect([socket.protocol, response?.url]).toEqual(["v1", "wss://b.example/q?y=1"]);
    expect(clock.timers).toBe(0);
  });

  it("leaves at home what once stayed there, also further on and when it comes back", async () => {
    const { say, line } = await start({ maxRedirects: 4, customHeaders: { Authorization: "Basic x", "X-Trace": "7" } });
    await say(0, to("/same"));
    expect(line(1, "Authorization")).toBe("Basic x");
    await say(1, to("ws://b.example/"));
    await say(2, to("/again"));
    await say(3, to("ws://a.example/"));
    expect([2, 3, 4].map((i) => [line(i, "Authorization"), line(i, "X-Trace")])).toEqual([
      [undefined, "7"],
      [undefined, "7"],
      [undefined, "7"],
    ]);
  });

  it("matches cookies anew: by host, path, scheme and time", async () => {
    const { say, line } = await start({
      maxRedirects: 3,
      cookies: [
        { name: "home", value: "1" },
        { name: "b", value: "2", domain: "b.example" },
        { name: "path", value: "3", path: "/p" },
        { name: "secure", value: "4", domain: "b.example", secure: true },
      ],
    });
    expect(line(0, "Cookie")).toBe("path=3; home=1");
    await say(0, to("/other"));
    expect(line(1, "Cookie")).toBe("home=1");
    await say(1, to("https://b.example/"));
    expect(line(2, "Cookie")).toBe("b=2; secure=4");
    await say(2, to("https://c.example/"));
    expect(line(3, "Cookie")).toBeUndefined();
  });

  it("tells the jar of every answer before it asks it again, and before anybody hears of the answer", async () => {
    const kept: string[] = [];
    const gate: { shut?: Promise<void> } = {};
    const jar = {
      getCookieString: (url: string) => `at=${new URL(url).pathname}${kept.length}`,
      async setCookie(setCookie: string, url: string) {
        await gate.shut;
        kept.push(`${setCookie} ${url}`);
      },
    };
    const { say, line, opened } = await start({ maxRedirects: 1, cookies: jar });
    await say(0, to("/q", "Set-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nSet-Cookie: b=2\r\n"));
    expect([line(0, "Cookie"), line(1, "Cookie")]).toEqual(["at=/p0", "at=/q2"]);
    let release = (): void => {};
    gate.shut = new Promise((resolve) => release = resolve);
    let over = false;
    opened.catch(() => over = true);
    await say(1, "HTTP/1.1 401 No\r\nSet-Cookie: c=3\r\nContent-Length: 2\r\n\r\nno");
    expect(over).toBe(false);
    release();
    const error = await opened.catch((error: unknown) => error) as InvalidHandshakeError;
    expect([error.status, await error.body()]).toEqual([401, "no"]);
    expect(kept).toEqual([
      "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT http://a.example/p",
      "b=2 http://a.example/p",
      "c=3 http://a.example/q",
    ]);
  });

  it("has one deadline for all of it, the jar's time too", async () => {
    const { servers, clock, opened, say } = await start({ maxRedirects: 5, handshakeTimeout: 3 });
    await clock.pass(2_000);
    await say(0, to("/q"));
    await clock.pass(999);
    expect(servers[1]!.isClosed).toBe(false);
    await clock.pass(1);
    await expect(opened).rejects.toEqual(
      new HandshakeTimedOutError("Cannot connect: the handshake was not done within 3 s"),
    );
    expect([servers[1]!.isClosed, clock.timers]).toEqual([true, 0]);

    const never = new Promise<never>(() => {});
    const asked = await start({
      handshakeTimeout: 3,
      cookies: { getCookieString: () => never, setCookie: () => {} },
    });
    await asked.clock.pass(3_000);
    await expect(asked.opened).rejects.toBeInstanceOf(HandshakeTimedOutError);
    expect(asked.dialled()).toBe(0);

    const told = await start({
      handshakeTimeout: 3,
      cookies: { getCookieString: () => "", setCookie: () => never },
    });
    await told.say(0, switching({ "Set-Cookie": "a=1" }));
    await told.clock.pass(3_000);
    await expect(told.opened).rejects.toBeInstanceOf(HandshakeTimedOutError);
    expect(told.servers[0]!.isClosed).toBe(true);
  });

  it("ends a loop at the limit, with the last answer, and lets every socket go", async () => {
    const { servers, clock, opened, say, dialled } = await start({ maxRedirects: 2 });
    for (let i = 0; i < 3; i++) await say(i, to("/p", "Content-Length: 4\r\n") + "loop");
    const error = await opened.catch((error: unknown) => error) as InvalidHandshakeError;
    expect(error.message).toBe(
      'Cannot follow the redirect of status 302: 2 were followed already, the limit of "maxRedirects"',
    );
    expect([error.status, error.headers.get("location"), await error.body()]).toEqual([302, "/p", "loop"]);
    expect(servers.map(({ isClosed }) => isClosed)).toEqual([true, true, true, false, false]);
    expect([dialled(), clock.timers]).toEqual([3, 0]);
  });

  it("follows none by default", async () => {
    const { opened, say, dialled } = await start({});
    await say(0, to("/q"));
    await expect(opened).rejects.toThrow("the server answered with status 302");
    expect(dialled()).toBe(1);
  });

  it("refuses a redirect out of TLS, without asking there", async () => {
    const { opened, say, dialled } = await start({ maxRedirects: 5 }, "wss://a.example/");
    await say(0, to("http://a.example/"));
    await expect(opened).rejects.toThrow('it leads out of TLS, to "ws:"');
    expect(dialled()).toBe(1);
  });

  it("stays on a Unix socket while the origin is its own", async () => {
    const { servers, opened, say } = await start({ maxRedirects: 2 }, "ws+unix:/run/a%20b.sock:/p");
    await say(0, to("http://localhost/q?y=1"));
    expect(servers[1]!.targets).toEqual(servers[0]!.targets);
    expect(servers[1]!.request).toMatch(/^GET \/q\?y=1 HTTP\/1\.1\r\nHost: localhost\r\n/);
    await say(1, switching());
    expect((await opened).response?.url).toBe("ws+unix:/run/a%20b.sock:/q?y=1");

    const away = await start({ maxRedirects: 1 }, "ws+unix:/run/a.sock:/p");
    await away.say(0, to("ws://b.example:81/"));
    expect(away.servers[1]!.targets).toEqual([{ hostname: "b.example", port: 81, secure: false }]);
  });

  it("tells a client's user of the place that it led to", async () => {
    const { servers, runtime } = scripted();
    const [first, second] = servers as [ScriptedServer, ScriptedServer];
    const client = new Client(clientRuntime(runtime), "http://a.example/p", { maxRedirects: 1 });
    await first.settle();
    expect(client.isSecure()).toBe(false);
    first.write(to("https://a.example/q"));
    await first.settle();
    second.write(switching());
    await first.settle();
    await client.opened;
    expect([client.isSecure(), client.url, client.getHttpResponse()?.url]).toEqual([
      true,
      "http://a.example/p",
      "wss://a.example/q",
    ]);
    client.terminate();
  });

  it("gives up in the middle when the signal aborts", async () => {
    const { servers, opened, say, controller, clock } = await start({ maxRedirects: 2 });
    await say(0, to("/q"));
    controller.abort("mine");
    await clock.settle();
    await expect(opened).rejects.toBe("mine");
    expect([servers[1]!.isClosed, clock.timers]).toEqual([true, 0]);
  });
});

it("tlsAlong keeps what says who asks, and the server's name, for the first origin (T2)", () => {
  const tls = { identity: { key: "k", cert: "c" }, serverName: "b.example", verify: true } as ClientTls;
  const [from, same, port] = ["wss://a.example/p", "wss://a.example/q", "wss://a.example:444/p"].map((url) =>
    new URL(url)
  );
  expect(tlsAlong(tls, from!, same!)).toBe(tls);
  for (const to of [port!, new URL("wss://b.example/p")]) {
    expect(tlsAlong(tls, from!, to)).toEqual({ identity: undefined, serverName: undefined, verify: true });
  }
  expect(tlsAlong(undefined, from!, port!)).toBeUndefined();
});
