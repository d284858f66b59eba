import { createServer } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../../src/errors.ts";
import { checkCompression } from "../../../src/streams/compression_options.ts";
import type { MessageSocket } from "../../../src/transport/message_socket.ts";
import { DEFAULT_LIMITS, type ListenOptions, type Upgrade } from "../../../src/transport/upgrade.ts";
import { bind, client, deferred, echo, HI, HI_BACK, host, TOOLS } from "../../support/node_host.ts";
import { type RawClient, statusOf, upgradeRequest } from "../../support/raw_client.ts";

const TERMS = { limits: DEFAULT_LIMITS, keepAliveMs: Infinity };

/** An upgrade that waits for the test to decide it; `decided` settles as that does. */
async function pending(
  request: string = upgradeRequest(),
  options: Partial<ListenOptions> = {},
): Promise<{ peer: RawClient; upgrade: Upgrade; decide: (run: () => unknown) => Promise<unknown> }> {
  const asked = deferred<Upgrade>();
  const decided = deferred();
  const { port } = await host(options, (upgrade) => {
    asked.resolve(upgrade);
    return decided.promise;
  });
  const peer = await client(port);
  await peer.write(request);
  const upgrade = await asked.promise;
  return {
    peer,
    upgrade,
    decide: async (run) => {
      try {
        return await run();
      } finally {
        decided.resolve();
      }
    },
  };
}

/** Until the upgrade is watched: it is once nothing else is left to do in this turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the request", () => {
  it("is a copy that stays readable when the connection is gone", async () => {
    const { peer, upgrade, decide } = await pending(upgradeRequest("/a?b", { "X-Two": "c", "x-two": "d" }));
    const { request } = upgrade;
    expect(request.header!("x-two")).toBe("c, d");
    peer.socket.destroy();
    await decide(async () => (await upgrade.accept(TERMS)).destroy()).catch(() => {});
    expect([request.method, request.url, request.remoteAddress, request.secure, request.peerCertificate]).toEqual([
      "GET",
      "http://hawser.test/a?b",
      "127.0.0.1",
      false,
      undefined,
    ]);
    expect(request.headers.get("host")).toBe("hawser.test");
    expect([request.headers.get("x-two"), request.header!("x-two"), request.header!("x-none")]).toEqual([
      "c, d",
      "c, d",
      null,
    ]);
    expect(request.headers).toBe(request.headers);
  });
});

describe("accept", () => {
  it("Z2: gives the room for history back when nothing comes of it", async () => {
    const { windows } = TOOLS.deflate;
    const before = windows.used;
    const compression = checkCompression({});
    const request = upgradeRequest("/", { "Sec-WebSocket-Extensions": "permessage-deflate" });

    const wrong = await pending(request);
    await expect(wrong.decide(() => wrong.upgrade.accept({ ...TERMS, compression, protocol: "a b" }))).rejects
      .toThrow();
    expect(windows.used).toBe(before);

    const gone = await pending(request);
    gone.peer.socket.destroy();
    await new Promise((resolve) => gone.upgrade.request.signal.addEventListener("abort", resolve));
    await expect(gone.decide(() => gone.upgrade.accept({ ...TERMS, compression }))).rejects.toThrow(ConnectionError);
    expect(windows.used).toBe(before);

    const { peer, upgrade, decide } = await pending(request);
    const socket = await decide(() => upgrade.accept({ ...TERMS, compression })) as MessageSocket;
    expect(windows.used).toBe(before + 36_864);
    socket.destroy();
    expect(windows.used).toBe(before);
    expect(statusOf(await peer.head())).toBe(101);
  });

  it("decided late, delivers what came early, in order", async () => {
    const { peer, upgrade, decide } = await pending(upgradeRequest() + HI);
    await turn();
    for (let i = 0; i < 3; i++) {
      await peer.write(HI);
      await turn();
    }
    await decide(() => echo(upgrade));
    await peer.head();
    expect(await peer.take(4 * HI_BACK.length)).toBe(HI_BACK.repeat(4));
  });

  it("delivers all of it when it is more than may wait: the rest waits in the network", async () => {
    const { peer, upgrade, decide } = await pending();
    await turn();
    const frames = 30_000;
    void peer.write(HI.repeat(frames));
    for (let i = 0; i < 10; i++) await turn();
    await decide(() => echo(upgrade));
    await peer.head();
    expect(await peer.take(frames * HI_BACK.length) === HI_BACK.repeat(frames)).toBe(true);
  });

  it("adds the sub-protocol and headers, Set-Cookie as often as it is there", async () => {
    const headers = new Headers([["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-One", "1"]]);
    const { peer, upgrade, decide } = await pending(upgradeRequest("/", { "Sec-WebSocket-Protocol": "a, b" }), {
      server: "hawser",
    });
    await decide(() => upgrade.accept({ ...TERMS, protocol: "b", headers }));
    const lines = (await peer.head()).toLowerCase().split("\r\n");
    for (const line of ["server: hawser", "sec-websocket-protocol: b", "set-cookie: a=1", "set-cookie: b=2"]) {
      expect(lines).toContain(line);
    }
    expect(lines).toContain("x-one: 1");
  });

  it("a Server header of the service's own is the only one", async () => {
    const { peer, upgrade, decide } = await pending(upgradeRequest(), { server: "hawser" });
    await decide(() => upgrade.accept({ ...TERMS, headers: new Headers({ Server: "mine" }) }));
    expect((await peer.head()).match(/^server: .*$/gim)?.map((line) => line.toLowerCase())).toEqual(["server: mine"]);
  });

  it("attack 11: refuses what would break out of its line before a byte is written, and answers 500", async () => {
    for (
      const terms of [
        { protocol: "a\r\nX: y" },
        { headers: new Headers({ Upgrade: "h2c" }) },
        { headers: new Headers({ "Sec-WebSocket-Accept": "x" }) },
      ]
    ) {
      const { peer, upgrade, decide } = await pending();
      await expect(decide(() => upgrade.accept({ ...TERMS, ...terms }))).rejects.toBeInstanceOf(TypeError);
      expect(await peer.rest()).toMatch(/^HTTP\/1.1 500 Internal Server Error\r\n/);
    }
  });
});

describe("attack 9: the client leaves while the decision is pending", () => {
  for (
    const [how, leave] of [
      ["with FIN", (peer: RawClient) => peer.socket.end()],
      ["with RST", (peer: RawClient) => peer.socket.resetAndDestroy()],
    ] as const
  ) {
    it(`${how}: the signal is aborted, and no 101 written`, async () => {
      const { peer, upgrade, decide } = await pending();
      const { signal } = upgrade.request;
      expect(signal.aborted).toBe(false);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
      leave(peer);
      await aborted;
      expect(signal.reason).toBeInstanceOf(ConnectionError);
      await expect(decide(() => upgrade.accept(TERMS))).rejects.toBeInstanceOf(ConnectionError);
      expect(await peer.rest()).toBe("");
    });

    it(`${how}: a signal that is asked for afterwards is aborted, and a refusal resolves`, async () => {
      const { peer, upgrade, decide } = await pending();
      await turn();
      const port = peer.socket.remotePort!;
      leave(peer);
      // When the server has noticed another client come and go, it has noticed this one go.
      const other = await client(port);
      other.socket.end("x\r\n\r\n");
      await other.rest();
      await decide(() => upgrade.reject(new Response("no", { status: 403 })));
      expect(upgrade.request.signal.aborted).toBe(true);
      expect(peer.received).toBe("");
    });
  }

  it("an error that is on its way when the decision comes ends no process", async () => {
    for (const run of ["accept", "reject"] as const) {
      const server = createServer();
      const connected = new Promise<Socket>((resolve) => server.once("connection", resolve));
      await bind(server);
      const { peer, upgrade, decide } = await pending(upgradeRequest(), { target: server });
      const socket = await connected;
      await turn();
      const decided = decide(() =>
        run === "accept" ? upgrade.accept(TERMS) : upgrade.reject(new Response("no", { status: 403 }))
      );
      // Told at the next tick; the decision is there before.
      socket.destroy(new Error("lost"));
      await decided.catch((error) => expect(error).toBeInstanceOf(ConnectionError));
      await peer.rest();
    }
  });

  it("is not noticed as long as it has merely been quiet", async () => {
    const { peer, upgrade, decide } = await pending();
    for (let i = 0; i < 5; i++) await turn();
    expect(upgrade.request.signal.aborted).toBe(false);
    await decide(() => upgrade.accept(TERMS));
    expect(statusOf(await peer.head())).toBe(101);
  });
});

describe("reject", () => {
  it("answers with the response, its headers and body, and closes", async () => {
    const { peer, upgrade, decide } = await pending(upgradeRequest(), { server: "hawser" });
    const response = new Response("not you", {
      status: 403,
      headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["Content-Length", "999"]],
    });
    await decide(() => upgrade.reject(response));
    const answer = await peer.rest();
    expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n[^]*\r\n\r\nnot you$/);
    expect(answer.match(/set-cookie/gi)).toHaveLength(2);
    expect(answer).toContain("\r\nContent-Length: 7\r\n");
    expect(answer.toLowerCase()).toContain("\r\nserver: hawser\r\n");
  });

  it("arrives although frames had come early", async () => {
    const { peer, upgrade, decide } = await pending();
    await turn();
    void peer.write(HI.repeat(50_000));
    for (let i = 0; i < 5; i++) await turn();
    await decide(() => upgrade.reject(new Response("no", { status: 404 })));
    expect(statusOf(await peer.rest())).toBe(404);
    expect(peer.error).toBe(undefined);
  });

  it("a body that fails is answered 500, and told", async () => {
    const { peer, upgrade, decide } = await pending();
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("broken")) });
    await expect(decide(() => upgrade.reject(new Response(body, { status: 403 })))).rejects.toThrow("broken");
    expect(statusOf(await peer.rest())).toBe(500);
  });

  it("a body that never ends is waited for no longer than the client waits", async () => {
    const { peer, upgrade, decide } = await pending();
    await turn();
    const rejected = decide(() => upgrade.reject(new Response(new ReadableStream<Uint8Array>(), { status: 403 })));
    peer.socket.destroy();
    await rejected;
    expect(upgrade.request.signal.aborted).toBe(true);
  });

  it("nor longer than an answer may take: 503 then", async () => {
    const { peer, upgrade, decide } = await pending(undefined, { timeoutMs: 60 });
    await decide(() => upgrade.reject(new Response(new ReadableStream<Uint8Array>(), { status: 403 })));
    expect(statusOf(await peer.rest())).toBe(503);
  });
});
