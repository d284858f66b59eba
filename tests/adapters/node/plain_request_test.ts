import { describe, expect, it } from "vitest";
import type { FetchHandler, ListenOptions } from "../../../src/transport/upgrade.ts";
import { client, deferred, host } from "../../support/node_host.ts";
import { type RawClient, statusOf } from "../../support/raw_client.ts";

/** Connects to a host whose ordinary requests `fetch` answers; its errors are kept. */
async function serve(
  fetch: FetchHandler,
  options: Partial<ListenOptions> = {},
): Promise<{ peer: RawClient; errors: unknown[]; port: number }> {
  const errors: unknown[] = [];
  const { port } = await host({ fetch, onError: (error) => errors.push(error), ...options });
  return { peer: await client(port), errors, port };
}

/** A request; its connection ends with the answer. */
function request(line: string, headers = "", body = ""): string {
  return `${line} HTTP/1.1\r\nHost: hawser.test\r\nConnection: close\r\n${headers}\r\n${body}`;
}

const length = (size: number): string => `Content-Length: ${size}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const readBack = async (request: Request): Promise<Response> => new Response(`${(await request.text()).length}`);

describe("L8: an ordinary request", () => {
  it("reaches the handler as a Request", async () => {
    const seen = deferred<Request>();
    const { peer } = await serve((request) => {
      seen.resolve(request);
      return new Response("hello");
    });
    await peer.write(request("GET /a?b=c", "X-One: 1\r\nx-one: 2\r\n"));
    expect(await peer.rest()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*hello/);
    const { method, url, headers } = await seen.promise;
    expect([method, url, headers.get("x-one")]).toEqual(["GET", "http://hawser.test/a?b=c", "1, 2"]);
  });

  it("in HTTP/1.0 may leave out its Host; in HTTP/1.1 it may not, and two are one too many", async () => {
    const urls: string[] = [];
    const { port } = await serve((request) => {
      urls.push(request.url);
      return new Response("hello");
    });
    for (
      const [head, status] of [["GET / HTTP/1.0\r\n", 200], ["GET / HTTP/1.1\r\n", 400], [
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        400,
      ]] as const
    ) {
      const peer = await client(port);
      await peer.write(`${head}Connection: close\r\n\r\n`);
      expect(statusOf(await peer.rest())).toBe(status);
    }
    expect(urls).toEqual([`http://127.0.0.1:${port}/`]);
  });

  it("HEAD gets the headers and no body", async () => {
    const { peer } = await serve(() => new Response("hello", { headers: { "X-One": "1" } }), { server: "hawser" });
    await peer.write(request("HEAD /"));
    const answer = await peer.rest();
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
    expect(answer.toLowerCase()).toContain("\r\nx-one: 1\r\n");
    expect(answer).toContain("\r\nServer: hawser\r\n");
  });

  it("gets each Set-Cookie on a line of its own, and the reason phrase that was chosen", async () => {
    const headers: [string, string][] = [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2, c"], ["Server", "mine"]];
    const { peer } = await serve(() => new Response(null, { status: 418, statusText: "Teapot", headers }), {
      server: "hawser",
    });
    await peer.write(request("GET /"));
    const answer = await peer.rest();
    expect(answer).toMatch(/^HTTP\/1.1 418 Teapot\r\n/);
    expect(answer.match(/^set-cookie: .*(?=\r)/gim)?.map((line) => line.slice(12))).toEqual(["a=1", "b=2, c"]);
    expect(answer.match(/^server: .*(?=\r)/gim)?.map((line) => line.slice(8))).toEqual(["mine"]);
  });

  for (const method of ["TRACE", "TRACK"]) {
    it(`${method} is no method of a Request`, async () => {
      const { peer, errors } = await serve(() => expect.unreachable());
      await peer.write(request(`${method} /`));
      // The parser knows TRACE, and not TRACK.
      expect(statusOf(await peer.rest())).toBe(method === "TRACE" ? 501 : 400);
      expect(errors).toEqual([]);
    });
  }
});

describe("a body", () => {
  it("reaches the handler up to maxEntityBodySize, told or in chunks", async () => {
    for (const send of [request("POST /", length(1_000), "x".repeat(1_000))]) {
      const { peer } = await serve(readBack, { maxEntityBodySize: 1_000 });
      await peer.write(send);
      expect(await peer.rest()).toMatch(/ 200 OK[^]*1000/);
    }
    const { peer } = await serve(readBack, { maxEntityBodySize: 1_000 });
    await peer.write(request("POST /", CHUNKED, chunked("x".repeat(1_000))));
    expect(await peer.rest()).toMatch(/ 200 OK[^]*1000/);
  });

  it("of any size arrives whole without a limit", async () => {
    const { peer } = await serve(readBack);
    await peer.write(request("POST /", length(3_000_000), "x".repeat(3_000_000)));
    expect(await peer.rest()).toMatch(/ 200 OK[^]*3000000/);
  });

  for (
    const [how, head, body] of [
      ["told", length(1_001), "x".repeat(1_001)],
      ["in chunks", CHUNKED, chunked("x".repeat(1_001))],
      ["told, and larger than what the network holds", length(20_000_000), "x".repeat(20_000_000)],
      ["in chunks, and large", CHUNKED, chunked("x".repeat(2_000_000))],
    ] as const
  ) {
    it(`over the limit, ${how}: 413, which no reset swallows`, async () => {
      const { peer, errors } = await serve(readBack, { maxEntityBodySize: 1_000, server: "hawser" });
      await peer.write(request("POST /", head, body));
      const answer = await peer.rest();
      expect(answer).toMatch(/^HTTP\/1.1 413 Content Too Large\r\n/);
      expect(answer).toContain("\r\nServer: hawser\r\n");
      expect(answer).toMatch(/\r\n\r\nA body has at most 1000 bytes$/);
      expect([peer.error, errors]).toEqual([undefined, []]);
    });
  }

  it("that nobody reads does not keep the answer back", async () => {
    const { peer } = await serve(() => new Response("no need"));
    await peer.write(`POST / HTTP/1.1\r\nHost: a\r\n${length(1_000_000)}\r\n${"x".repeat(70_000)}`);
    expect(statusOf(await peer.head())).toBe(200);
  });

  it("that is cut off fails whoever reads it, and is no failure of ours", async () => {
    const failed = deferred<unknown>();
    const { peer, errors } = await serve(async (request) => {
      await request.text().catch(failed.resolve);
      throw new Error("because of that");
    });
    await peer.write(request("POST /", length(100), "x"));
    peer.socket.resetAndDestroy();
    expect(await failed.promise).toBeInstanceOf(Error);
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });

  it("attack 7: in drips: 408", async () => {
    const { peer } = await serve(readBack, { timeoutMs: 100 });
    await peer.write(request("POST /", length(100), "x"));
    expect(statusOf(await peer.rest())).toBe(408);
  });
});

describe("a handler", () => {
  for (
    const [how, handler] of [
      ["throws", () => {
        throw new Error("secret");
      }],
      ["rejects", () => Promise.reject(new Error("secret"))],
      ["returns no Response", () => undefined as unknown as Response],
      ["returns an error response", () => Response.error()],
    ] as const
  ) {
    it(`that ${how}: 500, which says nothing, and onError`, async () => {
      const { peer, errors } = await serve(handler, { server: "hawser" });
      await peer.write(request("GET /"));
      const answer = await peer.rest();
      expect(answer).toMatch(/^HTTP\/1.1 500 Internal Server Error\r\n/);
      expect(answer).toContain("\r\nServer: hawser\r\n");
      expect(answer).toMatch(/\r\n\r\nThe server could not answer$/);
      expect(errors).toHaveLength(1);
    });
  }

  it("hears of a client that leaves, who counts as refused no more (H2)", async () => {
    const refused: number[] = [];
    const asked = deferred<Request>();
    const { peer, errors } = await serve((request) => {
      asked.resolve(request);
      return new Promise((_resolve, reject) =>
        request.signal.addEventListener("abort", () => reject(new Error("gone")))
      );
    }, { onRefused: (status) => void refused.push(status) });
    await peer.write(request("GET /"));
    const { signal } = await asked.promise;
    expect(signal.aborted).toBe(false);
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    peer.socket.destroy();
    await aborted;
    await new Promise((resolve) => setImmediate(resolve));
    expect([errors, refused]).toEqual([[], []]);
  });
});

describe("a streamed answer", () => {
  it("is sent as it comes", async () => {
    let controller: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
    const { peer } = await serve(() => new Response(body));
    await peer.write(request("GET /"));
    expect(statusOf(await peer.head())).toBe(200);
    for (const text of ["one", "two"]) {
      controller!.enqueue(new TextEncoder().encode(text));
      expect(await peer.take(8)).toBe(`3\r\n${text}\r\n`);
    }
    controller!.close();
    expect(await peer.rest()).toBe("0\r\n\r\n");
  });

  it("goes at the client's pace, and is cancelled when the client leaves", async () => {
    const cancelled = deferred<unknown>();
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel: cancelled.resolve,
    });
    const { peer, errors } = await serve(() => new Response(body));
    peer.socket.pause();
    await peer.write(request("GET /"));
    let before = -1;
    // Until what the system takes is full: then nothing more is pulled.
    for (let quiet = 0; quiet < 20; before = pulled) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = pulled === before && pulled > 0 ? quiet + 1 : 0;
    }
    expect(pulled).toBeLessThan(1_000);
    peer.socket.destroy();
    await cancelled.promise;
    expect(errors).toEqual([]);
  });

  it("that fails in the middle is cut, and told", async () => {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (pulls++ === 0) controller.enqueue(new Uint8Array(1));
        else controller.error(new Error("broken"));
      },
    });
    const { peer, errors } = await serve(() => new Response(body));
    await peer.write(request("GET /"));
    expect(await peer.rest()).not.toContain("\r\n0\r\n\r\n");
    expect(errors).toMatchObject([{ message: "broken" }]);
  });
});
