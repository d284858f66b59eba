/** The client in a browser: a page that a listener serves, bundled with it, in Chromium. */

import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { type CloseFrame, closeFrame, type Message, type Service, type UpgradeServiceOptions } from "../../mod.ts";
import { bundleForBrowsers } from "../../scripts/browser_size.ts";
import { openPage, startChromium } from "../interop/support/chromium.ts";
import { needs } from "../interop/support/needs.ts";
import type { Scenarios } from "../support/browser_page.ts";
import { DigestOf, mixed, Sizes } from "../support/mixed_bytes.ts";
import { deviates, here } from "../support/host.ts";
import { deferred, ECHO, onSockets, switching } from "../support/on_sockets.ts";
import { RawClient } from "../support/raw_client.ts";

const { listen, server, whenOver } = onSockets();

const MEBIBYTE = 1_048_576;
const SLOW = { timeout: 30_000 };
/** For a server that cannot hold the page back: it has room for all that one page sends. */
const roomy = (): UpgradeServiceOptions =>
  here<UpgradeServiceOptions>({
    "deno native": deviates("deno-no-pause", { readAhead: { messages: 65_536, bytes: 16 * MEBIBYTE } }),
  }, {});

let chromium: Promise<Browser> | undefined;
let program: Promise<string> | undefined;
afterAll(async () => (await chromium)?.close());

/** A listener with `service`, and the page that it serves beside it. */
async function open(service: Service = ECHO, options: UpgradeServiceOptions = {}): Promise<Page> {
  program ??= bundleForBrowsers(`import "./tests/support/browser_page.ts";`).then(({ code }) => code);
  const code = await program;
  const fetch = (request: Request): Response =>
    new URL(request.url).pathname === "/page.js"
      ? new Response(code, { headers: { "content-type": "text/javascript" } })
      : new Response(`<!doctype html><script type="module" src="/page.js"></script>`, {
        headers: { "content-type": "text/html" },
      });
  const { port } = await listen(service, options, { fetch });
  chromium ??= startChromium();
  const page = await openPage(await chromium, `http://127.0.0.1:${port}/`);
  whenOver(() => page.close());
  return page;
}

/** Calls a function of the page's program. */
function play(page: Page, name: keyof Scenarios, ...args: unknown[]): Promise<unknown> {
  return page.evaluate(`scenarios.${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`);
}

function inChromium(body: () => Promise<void>): () => Promise<void> {
  return needs("chromium", body);
}

/** A service that sends `messages`, and then closes. */
function sends(messages: readonly Message[], end?: CloseFrame, closed?: (...of: [number, string]) => void): Service {
  return {
    *onOpen() {
      yield* messages;
      if (end !== undefined) yield end;
    },
    onClose: (_caller, code, reason) => closed?.(code, reason),
    onError() {},
  };
}

const MESSAGES: readonly Message[] = ["one", Uint8Array.of(0, 127, 128, 255), "", new Uint8Array(0), "Grüße, 世界 👋"];
const TOLD = ["one", [0, 127, 128, 255], "", [], "Grüße, 世界 👋"];

describe("reading", () => {
  it(
    "C13: for await gives text and binary in order, and ends at the server's 1001",
    inChromium(async () => {
      const page = await open(sends(MESSAGES, closeFrame(1001, "going away")));
      expect(await play(page, "readAll")).toEqual({
        messages: TOLD,
        ended: { name: "none" },
        closed: { code: 1001, reason: "going away", clean: true, first: "remote", error: null },
      });
    }),
  );

  it(
    "C13: for await throws a ConnectionClosureError at the server's 4000, behind the last message",
    inChromium(async () => {
      const page = await open(sends(MESSAGES, closeFrame(4000, "no more")));
      const closed = { code: 4000, reason: "no more", clean: true, first: "remote", error: null };
      expect(await play(page, "readAll")).toEqual({
        messages: TOLD,
        ended: {
          name: "ConnectionClosureError",
          known: true,
          code: "ERR_CONNECTION_CLOSED",
          message: expect.stringContaining('the peer closed with 4000 "no more"'),
          closure: closed,
        },
        closed,
      });
    }),
  );

  it(
    "C13: leaving the loop closes with 1000",
    inChromium(async () => {
      const { promise, resolve } = deferred<[number, string]>();
      const page = await open(sends(["a", "b", "c"], undefined, (...of) => resolve(of)));
      expect(await play(page, "leaveAfter", 2)).toMatchObject({
        messages: ["a", "b"],
        closed: { code: 1000, clean: true, first: "local" },
        isOpen: false,
      });
      expect(await promise).toEqual([1000, ""]);
    }),
  );

  it(
    "C13: messages of every kind go out and come back through the methods, under a sub-protocol",
    inChromium(async () => {
      const page = await open(ECHO, { subProtocols: ["v2"] });
      expect(await play(page, "methods")).toEqual({
        protocol: "v2",
        text: "Grüße, 世界 👋",
        wrongKind: expect.objectContaining({ name: "PayloadBindingError", known: true }),
        bytes: [[2, 3], [7]],
        checked: { count: 1 },
        refused: expect.objectContaining({
          name: "PayloadBindingError",
          message: expect.stringContaining("no number"),
        }),
        empty: "",
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        closed: { code: 1000, reason: "", clean: true, first: "local", error: null },
      });
    }),
  );

  it(
    "C13: readTimeout ends a read, and not the connection",
    inChromium(async () => {
      const page = await open();
      const timedOut = { name: "ReadTimedOutError", code: "ERR_READ_TIMED_OUT", known: true };
      expect(await play(page, "waitInVain")).toMatchObject({
        method: timedOut,
        loop: timedOut,
        isOpen: true,
        message: "now",
        closed: { code: 1000, clean: true },
      });
    }),
  );

  it(
    "C13: what nobody reads closes with 4008 past readAhead, which the server sees",
    inChromium(async () => {
      const { promise, resolve } = deferred<[number, string]>();
      const page = await open(sends(["a", "b", "c", "d", "e"], undefined, (...of) => resolve(of)));
      expect(await play(page, "readNothing", { readAhead: { messages: 3 } })).toMatchObject({
        closed: { code: 4008, first: "local" },
        messages: ["a", "b", "c"],
        ended: { name: "ConnectionClosureError" },
      });
      expect(await promise).toEqual([4008, "read-ahead exceeded"]);
    }),
  );
});

describe("streams", () => {
  it(
    "C13: 4 MiB in random sizes come in, go through a transformation, and go out as they should",
    SLOW,
    inChromium(async () => {
      const { promise, resolve } = deferred<string>();
      const wanted = new DigestOf();
      const came = new DigestOf();
      const texts: string[] = [];
      const page = await open({
        *onOpen() {
          const sizes = new Sizes(1);
          yield "first";
          for (let at = 0; at < 4 * MEBIBYTE;) {
            const chunk = mixed(at, Math.min(sizes.next(), 4 * MEBIBYTE - at));
            at += chunk.length;
            wanted.add(chunk.map((byte) => byte ^ 0xff));
            yield chunk;
          }
          yield "last";
        },
        onMessage(_caller, message) {
          if (typeof message !== "string") return came.add(message);
          texts.push(message);
          return message === "LAST" ? closeFrame(1000) : undefined;
        },
        onClose: () => resolve(came.hex()),
      }, roomy());
      expect(await play(page, "pipeBack")).toMatchObject({ code: 1000, clean: true, first: "remote" });
      expect(await promise).toBe(wanted.hex());
      expect(texts).toEqual(["FIRST", "LAST"]);
    }),
  );

  it(
    "C13: 4 MiB in random sizes go out of a stream and come back into one, which is cancelled with a code",
    SLOW,
    inChromium(async () => {
      const { promise, resolve } = deferred<unknown[]>();
      const page = await open({ ...ECHO, onClose: (_caller, ...how) => resolve(how) }, roomy());
      const wanted = new DigestOf();
      wanted.add(mixed(0, 4 * MEBIBYTE));
      expect(await play(page, "pipeOut", 4 * MEBIBYTE, 2)).toMatchObject({
        sent: wanted.hex(),
        came: wanted.hex(),
        closed: { code: 4002, clean: true, first: "local" },
      });
      expect((await promise).slice(0, 2)).toEqual([4002, "all is here"]);
    }),
  );
});

describe("writing", () => {
  it(
    "C13: writes wait for a server that reads nothing, and go on when it does",
    SLOW,
    inChromium(async () => {
      const { url, socket } = await silentServer();
      const page = await open();
      await page.evaluate(`scenarios.SlowWriting.start(${JSON.stringify(url)}).then((it) => void (window.slow = it))`);
      const filled = await page.evaluate("slow.fill()") as { written: number; bufferedAmount: number };
      // It was told to wait at 1 MiB; the operating system may have taken some of that since.
      expect(filled.bufferedAmount).toBeGreaterThan(MEBIBYTE / 4);
      expect(filled.bufferedAmount).toBeLessThan(filled.written);
      let read = 0;
      const last = deferred();
      socket().on("data", (chunk) => {
        read += chunk.length;
        if (read > filled.written) last.resolve();
      });
      socket().resume();
      const drained = await page.evaluate("slow.drain()") as { bufferedAmount: number; isOpen: boolean };
      expect(drained.isOpen).toBe(true);
      expect(drained.bufferedAmount).toBeLessThanOrEqual(MEBIBYTE / 4);
      await last.promise;
    }),
  );
});

describe("closing", () => {
  it(
    "C13: the page closes with a code and a reason",
    inChromium(async () => {
      const { promise, resolve } = deferred<unknown[]>();
      const page = await open({ ...ECHO, onClose: (_caller, ...how) => resolve(how) });
      expect(await play(page, "closeWith", 4321, "wir sind fertig ✓")).toMatchObject({
        code: 4321,
        clean: true,
        first: "local",
      });
      expect((await promise).slice(0, 2)).toEqual([4321, "wir sind fertig ✓"]);
    }),
  );

  it(
    "C13: the server closes with a code and a reason",
    inChromium(async () => {
      const page = await open(sends([], closeFrame(4999, "das war alles ✓")));
      expect(await play(page, "untilClosed")).toEqual({
        code: 4999,
        reason: "das war alles ✓",
        clean: true,
        first: "remote",
        error: null,
      });
    }),
  );

  it(
    "C13: a connection that is lost is 1006, and not clean",
    inChromium(async () => {
      // A message, and then the connection breaks.
      const { url } = await silentServer((socket) => socket.end(Uint8Array.of(0x81, 2, 0x68, 0x69)));
      const page = await open();
      expect(await play(page, "readAll", url)).toMatchObject({
        messages: ["hi"],
        ended: { name: "ConnectionClosureError", message: expect.stringContaining("lost without a close frame") },
        closed: { code: 1006, reason: "", clean: false, first: null },
      });
    }),
  );

  it(
    "C13: signal ends connecting with its reason",
    inChromium(async () => {
      const page = await open();
      expect(await play(page, "abort", false)).toMatchObject({
        opened: { name: "Error", message: "The page has enough" },
        closed: { code: 1006, clean: false, error: "ConnectionError" },
        isOpen: false,
      });
    }),
  );

  it(
    "C13: signal drops an open connection, as far as a page can",
    inChromium(async () => {
      const { promise, resolve } = deferred<number>();
      const page = await open({ ...ECHO, onClose: (_caller, code) => resolve(code) });
      expect(await play(page, "abort", true)).toMatchObject({
        closed: { code: 1006, clean: false, error: "ConnectionError" },
        isOpen: false,
      });
      // The platform cannot cut it: it is asked to close, which goes without a code.
      expect(await promise).toBe(1005);
    }),
  );
});

describe("what a page cannot have", () => {
  it(
    "C13: is an UnsupportedError that names it",
    inChromium(async () => {
      const page = await open();
      const said = await play(page, "refusals") as Record<string, object>;
      expect(Object.keys(said)).toHaveLength(18);
      for (const [feature, error] of Object.entries(said)) {
        expect(error, feature).toMatchObject({
          name: "UnsupportedError",
          code: "ERR_UNSUPPORTED",
          known: true,
          feature,
          runtime: "browser",
          message: expect.stringMatching(/^Cannot /),
        });
      }
    }),
  );

  it(
    "C13: a server that refuses, or is not there, or chooses no sub-protocol, is a ConnectionError without a reason",
    inChromium(async () => {
      const page = await open();
      const { url } = await silentServer((socket) => socket.destroy(), "");
      const refused = { name: "ConnectionError", code: "ERR_CONNECTION", known: true };
      expect(await play(page, "connectTo", url)).toMatchObject(refused);
      const here = await page.evaluate("location.href") as string;
      expect(await play(page, "connectTo", `${here}nowhere`)).toMatchObject(refused);
      // Chromium itself refuses the answer, before we could.
      expect(await play(page, "connectTo", here, { subProtocols: "v1" })).toMatchObject(refused);
    }),
  );

  it(
    "C13: handshakeTimeout ends connecting to a server that does not answer",
    inChromium(async () => {
      const page = await open();
      const { url, gone } = await silentServer(undefined, "");
      expect(await play(page, "connectTo", url, { handshakeTimeout: 0.1 })).toMatchObject({
        name: "HandshakeTimedOutError",
        code: "ERR_HANDSHAKE_TIMED_OUT",
      });
      await gone;
    }),
  );
});

interface SilentServer {
  readonly url: string;
  /** Its end of the only connection, which is not read. */
  socket(): Socket;
  /** The connection has ended. */
  readonly gone: Promise<void>;
}

/** A server that upgrades one connection and reads nothing of it; with `answer`, it says that instead. */
async function silentServer(then?: (socket: Socket) => void, answer?: string): Promise<SilentServer> {
  let accepted: Socket | undefined;
  const { promise: gone, resolve } = deferred();
  const tcp = createServer(async (socket) => {
    accepted = socket;
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    whenOver(() => socket.destroy());
    const request = await new RawClient(socket).head();
    if (answer === undefined) {
      socket.pause();
      socket.write(switching(request));
    }
    then?.(socket);
  });
  tcp.listen(0, "127.0.0.1");
  whenOver(() => tcp.close());
  await new Promise((listening) => tcp.once("listening", listening));
  const { port } = tcp.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, socket: () => accepted!, gone };
}

describe("reconnecting", () => {
  it(
    "C9: in a page: after a reset, a refusal and 1012 the loop goes on, and what was written meanwhile arrives",
    inChromium(async () => {
      const page = await open();
      let count = 0;
      const received: string[] = [];
      const url = await server(async (peer, request) => {
        count++;
        if (count === 2) {
          await peer.raw.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
          return void peer.socket.end();
        }
        await peer.raw.write(switching(request));
        received.push(await peer.nextText());
        await peer.text(count === 1 ? "about to die" : "again");
        if (count === 1) return void peer.socket.resetAndDestroy();
        if (count === 3) received.push(await peer.nextText());
        await peer.close(count === 3 ? 1012 : 1000);
        await peer.closeCode();
        peer.socket.end();
      });
      expect(await play(page, "reconnect", url)).toEqual({
        messages: ["about to die", "again", "again"],
        lost: [
          {
            attempt: 2,
            closure: expect.objectContaining({ code: 1006, clean: false }),
            uncertain: { messages: 1, bytes: 5 },
          },
          {
            attempt: 3,
            closure: expect.objectContaining({ code: 1012, clean: true }),
            uncertain: { messages: 2, bytes: 15 },
          },
        ],
        closed: expect.objectContaining({ code: 1000, clean: true }),
      });
      expect(received).toEqual(["hello", "subscribe", "waited", "subscribe"]);
    }),
  );
});
