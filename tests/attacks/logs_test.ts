/** Text of a peer's that would move the cursor, turn the line, or forge one, where somebody reads errors in a terminal. */

import { Buffer } from "node:buffer";
import { expect, it } from "vitest";
import * as z from "zod";
import { bind, type Bindable, type Caller, json, type Listener, union } from "../../mod.ts";
import { xml } from "../../src/peers/xml.ts";
import { type Bounds, undisturbed } from "../support/bystander.ts";
import { deferred, failure, onSockets, switching } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();
const { listen, connect, upgraded, answerTo, server, clientAndServer } = onSockets();

const BOUNDS: Bounds = { latest: 1_500, grownBy: 64 * 1_048_576 };

/** C0, DEL, C1, what turns the direction, what ends lines, what is not seen; short enough for a close frame. */
const EVIL = "\x1b[2J\x07\x7f\x9b31m\u202e\u2066\u200f\u2028\u2029\ufeff\r\n(node:1) forged";
/** As much of it as an HTTP header may carry, which is Latin-1. */
const EVIL_LATIN1 = "\x9b31m\x85\x9d0;owned\x9c";

/** What is not to stand in a message, and in a stack but for the ends of its lines. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Asserts it of all that a log would show of `error`, and of what caused it. */
function expectHarmless(error: unknown, depth = 0): void {
  expect(error).toBeInstanceOf(Error);
  const { message, stack = "", cause, errors = [], issues = [] } = error as AggregateError & {
    issues?: readonly { readonly message: string }[];
  };
  for (const text of [message, ...issues.map((issue) => issue.message)]) expect(text).not.toMatch(OBEYED);
  expect(stack.replaceAll("\n", "")).not.toMatch(OBEYED);
  expect(depth).toBeLessThan(8);
  for (const inner of cause === undefined ? errors : [cause, ...errors]) expectHarmless(inner, depth + 1);
}

it("attack 44: a close reason, in every error that tells of the end", async () => {
  const seen: unknown[] = [];
  let [opened, ended] = [deferred<Caller>(), deferred<string>()];
  const listener = await listen({
    onOpen: (caller) => opened.resolve(caller),
    onError: (_caller, error) => void seen.push(error),
    onClose: (_caller, _code, reason) => ended.resolve(reason),
  });
  await undisturbed(await listen(), BOUNDS, async () => {
    [opened, ended] = [deferred(), deferred()];
    const peer = await upgraded(listener.port);
    const caller = await opened.promise;
    await peer.close(4000, EVIL);
    // As a value it is what was sent.
    expect(await ended.promise).toBe(EVIL);
    peer.socket.end();
    seen.push(await failure(caller.writeTextMessage("late")), caller.signal.reason);

    const { client, peer: theirs } = await clientAndServer();
    const reading = failure(client.readMessage());
    await theirs.close(4000, EVIL);
    await theirs.closeFrame();
    theirs.socket.end();
    expect((await client.closed).reason).toBe(EVIL);
    seen.push(await reading, await failure(client.writeTextMessage("late")));
    for (const error of seen.splice(0)) {
      expectHarmless(error);
      expect((error as Error).message).toContain("(node:1) forged");
    }
  });
});

it("attack 44: what a handler could not be given: names of fields, values, and what is no JSON or XML", async () => {
  const seen: unknown[] = [];
  const schema = z.strictObject({
    event: z.string(),
    n: z.number({ error: ({ input }) => `${String(input)} is no number` }).optional(),
  });
  const listener = await listen();
  const onError = (_caller: Caller, error: unknown): void => void seen.push(error);
  const record = z.record(z.string(), z.literal("a"));
  const binders: Record<string, Bindable<unknown>> = {
    schema,
    record,
    json,
    union: union(json(schema), json(schema)),
    xml,
  };
  for (const [path, binder] of Object.entries(binders)) {
    listener.attach(`/${path}`, { get: () => ({ onMessage: bind(binder, () => {}), onError }) });
  }
  listener.attach("/event", {
    dispatcherKey: "event",
    get: () => ({ onBeat: bind(schema, () => {}), onError }),
  });
  const messages = [
    ["/schema", JSON.stringify({ event: "a", [EVIL]: 1 })],
    ["/schema", JSON.stringify({ event: "a", n: EVIL })],
    ["/record", JSON.stringify({ [EVIL]: 1 })],
    ["/union", JSON.stringify({ event: "a", n: EVIL })],
    ["/event", JSON.stringify({ event: "beat", n: EVIL })],
    ["/schema", EVIL],
    ["/json", `{"a":${EVIL}`],
    ["/json", `${EVIL}`.slice(4)],
    ["/xml", `<a>\u202e</b\u202e\u2028>`],
    ["/xml", EVIL],
  ] as const;
  await undisturbed(listener, BOUNDS, async () => {
    for (const [path, text] of messages) {
      const peer = await upgraded(listener.port, path);
      await peer.text(text);
      await expect.poll(() => seen).toHaveLength(1);
      expectHarmless(seen.pop());
      peer.socket.destroy();
    }
    // A client's reads are bound alike.
    const { client, peer } = await clientAndServer();
    for (const [, text] of messages) {
      await peer.text(text);
      expectHarmless(await failure(client.readMessage(schema)));
    }
  });
});

it("attack 44: and the reason of the close frame that tells the peer so", async () => {
  const schema = z.object({ n: z.number({ error: ({ input }) => `${String(input)} is no number` }) });
  const listener = await listen({ onMessage: bind(schema, () => {}) });
  const peer = await upgraded(listener.port);
  await peer.text(JSON.stringify({ n: EVIL }));
  const { code, payload } = await peer.closeFrame();
  expect(code).toBe(1003);
  const reason = new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload.subarray(2));
  expect(reason).toMatch(/^data binding failed: /);
  expect(reason).not.toMatch(OBEYED);
});

it("attack 44: a path, its parameters and the query, in what refuses them", async () => {
  const errors: unknown[] = [];
  const listener = await listen(undefined, {}, { onError: (error) => errors.push(error) });
  const said = ({ input }: { input: unknown }): string => `${String(input)} is none`;
  listener.attach("/of/:name", {
    params: z.object({ name: z.string().regex(/^\w+$/, { error: said }) }),
    query: z.strictObject({}),
    get: () => ({}),
  });
  listener.attach("/any", { query: z.record(z.string(), z.literal("a")), get: () => ({}) });
  const evil = encodeURIComponent(EVIL);
  await undisturbed(listener, BOUNDS, async () => {
    for (
      const target of [`/of/${evil}`, `/of/a?${evil}=1`, `/any?${evil}=1`, `/none/${evil}`, `/of/%1b%9b`, `/of/\x9b`]
    ) {
      const { status, answer } = await answerTo(listener.port, upgradeRequest(target));
      expect([400, 404], target).toContain(status);
      const body = answer.slice(answer.indexOf("\r\n\r\n") + 4).trim();
      expect(Buffer.from(body, "latin1").toString().replaceAll("\n", ""), target).not.toMatch(OBEYED);
    }
    for (const error of errors.splice(0)) expectHarmless(error);
  });
});

it("attack 44: a server's answer: its status line, its headers, its choices", async () => {
  const headers = {
    "Sec-WebSocket-Protocol": EVIL_LATIN1,
    "Sec-WebSocket-Extensions": EVIL_LATIN1,
    "Upgrade": EVIL_LATIN1,
    "Sec-WebSocket-Accept": EVIL_LATIN1,
  };
  const answers: ((request: string) => string)[] = [
    ...Object.entries(headers).map(([name, value]) => (request: string) =>
      switching(request.replace("GET", "")).replace(new RegExp(`^${name}: .*\r\n`, "im"), "")
        .replace(/\r\n\r\n$/, `\r\n${name}: ${value}\r\n\r\n`)
    ),
    () => `HTTP/1.1 403 ${EVIL_LATIN1}\r\n\r\n`,
    () => `HTTP/1.1 403 \x1b[31m\r\n\r\n`,
    () => `${EVIL_LATIN1} hello\r\n\r\n`,
    () => `\x1b[31m hello\r\n\r\n`,
    () => `HTTP/1.1 101 OK\r\nX\x9b31m\x1b: a\r\n\r\n`,
    () => `HTTP/1.1 101 OK\r\nX-A: \x1b[31m\r\n\r\n`,
    () => `HTTP/1.1 302 On\r\nLocation: ws://127.0.0.1/${EVIL_LATIN1}\r\n\r\n`,
    () => `HTTP/1.1 302 On\r\nLocation: ${EVIL_LATIN1}:\r\n\r\n`,
  ];
  await undisturbed(await listen(), BOUNDS, async () => {
    for (const answer of answers) {
      const url = await server(async ({ raw }, request) => {
        await raw.write(answer(request));
        raw.socket.end();
      });
      expectHarmless(await failure(connect(url, { subProtocols: ["chat"], maxRedirects: 1 })));
    }
  });
});

it("attack 44: whatever is told as a warning, because nobody else takes it", async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): void => void warnings.push(warning);
  process.on("warning", hear);
  try {
    const listener: Listener = await listen({
      onTextMessage(_caller, text) {
        throw new Error(`Cannot understand ${text}`);
      },
      onBinaryMessage: (_caller, data) => Promise.reject(new TextDecoder().decode(data)),
      onClose: (_caller, _code, reason) => {
        if (reason !== "") throw new Error(reason);
      },
    });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      warnings.length = 0;
      for (const opcode of [1, 2]) {
        const peer = await upgraded(listener.port);
        await peer.send({ opcode, payload: EVIL });
        expect(await peer.closeCode()).toBe(1011);
        peer.socket.destroy();
      }
      const peer = await upgraded(listener.port);
      await peer.close(4000, EVIL);
      await peer.closeFrame();
      peer.socket.destroy();
      await expect.poll(() => warnings.filter(({ message }) => message.includes("forged"))).toHaveLength(3);
      for (const { message } of warnings) {
        expect(message.replaceAll("\n", "")).not.toMatch(OBEYED);
        // Nothing of it looks like a line of the log's own.
        expect(message).not.toMatch(/^\(node/m);
      }
    });
  } finally {
    process.off("warning", hear);
  }
});
