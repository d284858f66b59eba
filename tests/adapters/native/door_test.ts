import { describe, expect, it } from "vitest";
import { Door, type DoorOptions, type Fallback } from "../../../src/adapters/native/door.ts";
import { pageRequest, told, webRequest } from "../../support/web_request.ts";

const INFO = { info: true };
type Info = typeof INFO;

interface Opened {
  readonly door: Door<Info>;
  readonly errors: unknown[];
}

function doorWith(
  options: Partial<DoorOptions> = {},
  fallback?: Fallback<Info>,
  leavesUnclaimed = false,
): Opened {
  const errors: unknown[] = [];
  const door = new Door<Info>(
    {
      maxUriLength: 20,
      maxHeaderSize: 400,
      maxEntityBodySize: 10,
      server: undefined,
      claims: (pathname) => pathname === "/ours",
      onError: (error) => errors.push(error),
      ...options,
    },
    fallback,
    leavesUnclaimed,
  );
  return { door, errors };
}

const page: Fallback<Info> = (request, info) => new Response(`page ${new URL(request.url).pathname} ${info === INFO}`);

describe("an upgrade", () => {
  it("that is valid is to be decided, also to a path that nobody attached, and beside pages", () => {
    for (const path of ["/ours", "/theirs"]) {
      expect(doorWith().door.answer(webRequest(path), INFO)).toBe(undefined);
      expect(doorWith({}, page).door.answer(webRequest(path), INFO)).toBe(undefined);
    }
    const words = webRequest("/", { upgrade: "WebSocket, h2c", connection: "keep-alive, upgrade" });
    expect(doorWith().door.answer(words, INFO)).toBe(undefined);
  });

  it("to a path that nobody attached is the fallback's where it is to have them", async () => {
    const { door } = doorWith({}, page, true);
    expect(door.answer(webRequest("/ours"), INFO)).toBe(undefined);
    expect(await told(door.answer(webRequest("/theirs"), INFO))).toBe("200 page /theirs true");
    expect(doorWith({}, undefined, true).door.answer(webRequest("/theirs"), INFO)).toBe(undefined);
  });

  for (
    const [what, request, status] of [
      ["another version", webRequest("/ours", { "sec-websocket-version": "8" }), 426],
      ["a key that is none", webRequest("/ours", { "sec-websocket-key": "abc" }), 400],
      ["no key", webRequest("/ours", { "sec-websocket-key": undefined }), 400],
      ["no host", webRequest("/ours", { host: undefined }), 400],
      ["a method that is not GET", webRequest("/ours", {}, { method: "POST" }), 405],
      ["sub-protocols that are no list", webRequest("/ours", { "sec-websocket-protocol": "a, , a" }), 400],
    ] as const
  ) {
    it(`that is no valid handshake is refused: ${what}`, async () => {
      expect(await told(doorWith().door.answer(request, INFO))).toMatch(new RegExp(`^${status} `));
    });
  }

  it("attack 12: whose target is no URL is refused", async () => {
    const request = { url: "http://[/", method: "GET", headers: webRequest().headers } as Request;
    for (const leavesUnclaimed of [false, true]) {
      const { door } = doorWith({}, page, leavesUnclaimed);
      expect(await told(door.answer(request, INFO))).toBe("400 The request target is ill-formed");
    }
  });

  it("whose version is wrong is told of ours", () => {
    const answer = doorWith().door.answer(webRequest("/", { "sec-websocket-version": "8" }), INFO) as Response;
    expect([answer.headers.get("sec-websocket-version"), answer.headers.get("upgrade")]).toEqual(["13", "websocket"]);
  });
});

describe("limits, inclusive", () => {
  it("attack 2: the characters of a target", async () => {
    const { door } = doorWith({}, page);
    expect(door.answer(webRequest(`/${"a".repeat(19)}`), INFO)).toBe(undefined);
    expect(await told(door.answer(webRequest(`/${"a".repeat(20)}`), INFO)))
      .toBe("414 A request target has at most 20 characters");
    expect(await told(door.answer(pageRequest(`/?${"a".repeat(19)}`), INFO))).toMatch(/^414 /);
    // As Deno hands over an absolute target without a path.
    const answerTo = (url: string) =>
      door.answer({ url, method: "GET", headers: webRequest().headers } as Request, INFO);
    expect(answerTo(`http://host?${"a".repeat(19)}`)).toBe(undefined);
    expect(await told(answerTo(`http://host?/${"a".repeat(19)}`))).toMatch(/^414 /);
  });

  it("attack 2: the bytes of the headers", async () => {
    const size = [...webRequest().headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    expect(doorWith({ maxHeaderSize: size }).door.answer(webRequest(), INFO)).toBe(undefined);
    expect(await told(doorWith({ maxHeaderSize: size - 1 }).door.answer(webRequest(), INFO)))
      .toBe(`431 The headers have at most ${size - 1} bytes`);
  });
});

describe("an ordinary request", () => {
  it("is the fallback's, with what the runtime has to say beside it", async () => {
    const seen: Request[] = [];
    const { door } = doorWith({}, (request, info) => (seen.push(request), page(request, info)));
    const request = pageRequest("/a");
    expect(await told(door.answer(request, INFO))).toBe("200 page /a true");
    expect(seen[0] === request).toBe(true);
    expect(await told(door.answer(webRequest("/b", { upgrade: "h2c" }), INFO))).toBe("200 page /b true");
  });

  it("is none that asks for a WebSocket, though its Connection does not say so", async () => {
    const { door } = doorWith({}, page);
    expect(await told(door.answer(webRequest("/c", { connection: "close" }), INFO)))
      .toBe('400 The Connection header has no "Upgrade"');
  });

  it("without a fallback is told what this port is for", async () => {
    const answer = doorWith().door.answer(pageRequest(), INFO);
    expect((await answer)?.headers.get("upgrade")).toBe("websocket");
    expect(await told(answer)).toBe("426 This port speaks the WebSocket protocol");
  });

  it("whose answer cannot be sent is answered with 500, and the error told; on somebody else's server it is theirs", async () => {
    const read = new Response("read");
    await read.text();
    for (const answer of [undefined, "text", read, Response.error()]) {
      const fallback = (() => answer) as unknown as Fallback<Info>;
      const { door, errors } = doorWith({}, fallback);
      expect(await told(door.answer(pageRequest(), INFO))).toBe("500 The server could not answer");
      expect(errors).toEqual([expect.any(TypeError)]);
      const guest = doorWith({}, fallback, true);
      expect(await guest.door.answer(pageRequest(), INFO) === answer).toBe(true);
      expect(guest.errors).toEqual([]);
    }
  });

  it("that the fallback fails is answered with 500, and its error told", async () => {
    for (
      const fallback of [
        () => {
          throw new Error("broken");
        },
        () => Promise.reject(new Error("broken")),
      ]
    ) {
      const { door, errors } = doorWith({ server: "hawser" }, fallback);
      const answer = await door.answer(pageRequest(), INFO);
      expect([answer?.status, answer?.headers.get("server"), String(errors)])
        .toEqual([500, "hawser", "Error: broken"]);
    }
  });
});

describe("a body", () => {
  const readBack: Fallback<Info> = async (request) => new Response(await request.text());
  const stream = (...parts: string[]): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
        controller.close();
      },
    });
  const post = (body: BodyInit, headers: Record<string, string> = {}): Request =>
    pageRequest("/", headers, { method: "POST", body, ...{ duplex: "half" } });

  it("that says how long it is, is refused before anybody reads it", async () => {
    const { door } = doorWith({}, readBack);
    expect(await told(door.answer(post("0123456789", { "content-length": "10" }), INFO))).toBe("200 0123456789");
    expect(await told(door.answer(post("0123456789a", { "content-length": "11" }), INFO)))
      .toBe("413 A body has at most 10 bytes");
  });

  it("that does not, fails for whoever reads too much of it", async () => {
    const { door, errors } = doorWith({}, readBack);
    expect(await told(door.answer(post(stream("01234", "56789")), INFO))).toBe("200 0123456789");
    expect(await told(door.answer(post(stream("01234", "56789", "a")), INFO)))
      .toBe("413 A body has at most 10 bytes");
    expect(errors).toEqual([]);
  });

  it("is left alone where there is no limit", async () => {
    const seen: Request[] = [];
    const { door } = doorWith(
      { maxEntityBodySize: Infinity },
      (request, info) => (seen.push(request), page(request, info)),
    );
    const request = post(stream("01234"));
    await door.answer(request, INFO);
    expect(seen[0] === request).toBe(true);
  });
});

describe("the Server header", () => {
  it("is added to what has none", async () => {
    const { door } = doorWith(
      { server: "hawser" },
      () =>
        new Response("hi", {
          status: 201,
          statusText: "Made",
          headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]],
        }),
    );
    const answer = await door.answer(pageRequest(), INFO) as Response;
    expect([answer.status, answer.statusText, answer.headers.get("server"), await answer.text()])
      .toEqual([201, "Made", "hawser", "hi"]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  it("of one's own stays, and what has it is passed on as it is", async () => {
    const theirs = new Response("hi", { headers: { server: "theirs" } });
    const { door } = doorWith({ server: "hawser" }, () => theirs);
    expect(await door.answer(pageRequest(), INFO) === theirs).toBe(true);
    expect(door.withServer(new Headers({ server: "theirs" })).get("server")).toBe("theirs");
  });

  it("belongs to a 101 too, whose headers are a copy", () => {
    const given = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
    const headers = doorWith({ server: "hawser" }).door.withServer(given);
    expect([headers.get("server"), headers.getSetCookie(), given.has("server")])
      .toEqual(["hawser", ["a=1", "b=2"], false]);
    expect([...doorWith().door.withServer(undefined)]).toEqual([]);
  });

  it("is not there unless it is asked for", () => {
    const response = new Response("hi");
    expect(doorWith().door.named(response) === response).toBe(true);
  });
});

it("that is closed answers everything with 503", async () => {
  const { door } = doorWith({}, page);
  door.stop();
  expect(await told(door.answer(webRequest("/ours"), INFO))).toBe("503 The server is stopping");
  expect(await told(door.answer(pageRequest(), INFO))).toBe("503 The server is stopping");
});
