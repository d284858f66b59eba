/** The row L6 of the acceptance table with 2 000 connections at once: how they end, how many, when, and what is left. */

import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { type Caller, type Listener, Listener as OurListener, type Service } from "../../mod.ts";
import { crowd, type Member } from "../support/crowd.ts";
import { deviates, here } from "../support/host.ts";
import { ECHO, failure, LOOPBACK, onSockets, until } from "../support/on_sockets.ts";
import { RawClient, upgradeRequest } from "../support/raw_client.ts";

const { connect, answerTo, whenOver } = onSockets();

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Files and sockets of this process, where the system tells. */
function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** The test runner has files of its own, more or fewer of them from time to time. */
const FILES_OF_OTHERS = 20;

/** How many callers are open, each time that is another number, while `run` goes on. */
async function watched<Value>(callers: readonly Caller[], run: Promise<Value>): Promise<[Value, number[]]> {
  let isOver = false;
  const counts: number[] = [];
  const watching = (async () => {
    while (!isOver) {
      const open = callers.filter((caller) => caller.isOpen()).length;
      if (open !== counts.at(-1)) counts.push(open);
      await nextTurn();
    }
  })();
  const result = await run.finally(() => isOver = true);
  await watching;
  return [result, counts];
}

/** A listener whose connections do what their path says, and what it knows of them. */
async function listenToCrowd(): Promise<{
  listener: Listener;
  callers: Caller[];
  codes: number[];
  /** Handlers that began and wait to be told to end; handlers that never will; streams. */
  finish: (() => void)[];
  endless: null[];
  streams: { begun: number; ended: number };
}> {
  const [callers, codes, finish]: [Caller[], number[], (() => void)[]] = [[], [], []];
  const endless: null[] = [];
  const streams = { begun: 0, ended: 0 };
  async function* stream(text: string, wait: () => Promise<void>): AsyncGenerator<string> {
    streams.begun++;
    try {
      for (;;) {
        yield text;
        await wait();
      }
    } finally {
      streams.ended++;
    }
  }
  const services: Record<string, Service> = {
    "/idle": {},
    "/busy": { onTextMessage: () => new Promise<void>((resolve) => finish.push(resolve)) },
    "/never": { onTextMessage: () => new Promise<void>(() => void endless.push(null)) },
    "/stream": { onTextMessage: () => stream("x", () => new Promise((resolve) => setTimeout(resolve, 200))) },
    "/flood": { onTextMessage: () => stream("x".repeat(100_000), nextTurn) },
  };
  const listener = new OurListener(0, { host: LOOPBACK });
  whenOver(() => listener.immediateStop());
  for (const [path, service] of Object.entries(services)) {
    const common: Service = {
      onOpen: (caller) => void callers.push(caller),
      onClose: (_caller, code) => codes.push(code),
      onError() {},
    };
    listener.attach(path, { pingInterval: 0, get: () => ({ ...common, ...service }) });
  }
  await listener.start();
  return { listener, callers, codes, finish, endless, streams };
}

/** 2 000 connections, some of every kind, all at work. */
async function crowdAtWork(
  { listener, callers, finish, endless, streams }: Awaited<ReturnType<typeof listenToCrowd>>,
): Promise<Record<"idle" | "busy" | "never" | "stream" | "deaf" | "blind", Member[]>> {
  const { port } = listener;
  const all = {
    idle: await crowd(port, "/idle", 1_490),
    busy: await crowd(port, "/busy", 200),
    never: await crowd(port, "/never", 50),
    stream: await crowd(port, "/stream", 200),
    deaf: await crowd(port, "/idle", 40, "ignores close frames"),
    blind: await crowd(port, "/flood", 20, "never reads"),
  };
  whenOver(() => Object.values(all).flat().forEach(({ socket }) => socket.destroy()));
  for (const kind of ["busy", "never", "stream", "blind"] as const) for (const member of all[kind]) member.text("go");
  await until(() =>
    finish.length === 200 && endless.length === 50 && streams.begun === 220 && all.stream.every(({ frames }) =>
      frames > 0
    ) &&
    callers.filter(({ bufferedAmount }) => bufferedAmount > 0).length === 20
  );
  expect(listener.stats().open).toBe(2_000);
  return all;
}

/** Also on a machine that has much else to do. */
const PATIENCE = 60_000;

it(
  "L6: gracefulStop with 2 000 connections at work: each is told, some at a time, waited for, and counted",
  async () => {
    const files = openFiles();
    const room = await listenToCrowd();
    const { listener, callers, codes, finish, streams } = room;
    const all = await crowdAtWork(room);
    const { idle, busy, never, stream, deaf, blind } = all;

    const stopping = watched(callers, listener.gracefulStop({ timeout: 600, reason: "restart" }));
    // Bun's own sockets wait for no answer.
    const unanswered = here({ "bun native": deviates("bun-no-close-wait", 20) }, 60);
    await until(() => listener.stats().open === unanswered);
    for (const end of finish) end();
    await until(() => codes.length + never.length + unanswered === 2_000);
    // Nothing more will come: those who do not answer, and the handlers without end.
    await listener.immediateStop();
    const [result, counts] = await stopping;
    const cut = 50 + unanswered;
    expect(result).toEqual({ closed: 2_000 - cut, cut });
    // Nobody else's turn comes late because thousands are closed.
    expect(counts.length).toBeGreaterThan(20);
    expect(Math.max(...counts.slice(1).map((count, i) => counts[i]! - count))).toBeLessThanOrEqual(200);

    expect(listener.stats().open).toBe(0);
    // A generator hears of it at the end of the step that it is in.
    await until(() => streams.ended === 220);
    expect(streams.begun).toBe(220);
    expect(codes.length + never.length).toBe(2_000);
    for (const { socket } of blind) socket.destroy();
    await Promise.all(Object.values(all).flat().map(({ gone }) => gone));
    const told = new Set([...idle, ...busy, ...never, ...stream, ...deaf].map(({ code }) => code));
    expect([...told]).toEqual([1001]);
    await until(() => openFiles() <= files + FILES_OF_OTHERS);

    // Handlers that never ended are nobody's concern any more.
    await listener.start();
    listener.attach("/", { get: () => ECHO });
    const client = await connect(listener.url);
    await client.writeTextMessage("again");
    expect(await client.readMessage()).toBe("again");
    expect(await listener.gracefulStop({ timeout: 600 })).toEqual({ closed: 1, cut: 0 });
  },
  PATIENCE,
);

it("L6: the deadline holds for 2 000 connections of which none comes to its end", async () => {
  const { listener, endless } = await listenToCrowd();
  const deaf = await crowd(listener.port, "/idle", 1_000, "ignores close frames");
  const never = await crowd(listener.port, "/never", 1_000);
  whenOver(() => [...deaf, ...never].forEach(({ socket }) => socket.destroy()));
  for (const member of never) member.text("go");
  await until(() => endless.length === 1_000);
  const started = performance.now();
  const result = await listener.gracefulStop({ timeout: 0.5 });
  const seconds = (performance.now() - started) / 1_000;
  // Bun's own sockets wait for no answer.
  const closed = here({ "bun native": deviates("bun-no-close-wait", 1_000) }, 0);
  expect(result).toEqual({ closed, cut: 2_000 - closed });
  expect(seconds).toBeGreaterThan(0.45);
  expect(seconds).toBeLessThan(5);
  expect(listener.stats().open).toBe(0);
  await Promise.all([...deaf, ...never].map(({ gone }) => gone));
}, PATIENCE);

it(
  "L6: immediateStop with 2 000 connections at work: all are gone, each onClose hears of it, no handler is waited for",
  async () => {
    const files = openFiles();
    const room = await listenToCrowd();
    const { listener, codes, finish, streams } = room;
    const all = await crowdAtWork(room);
    const { port } = listener;

    await listener.immediateStop();
    expect(listener.stats().open).toBe(0);
    expect(await failure(RawClient.connect(port))).toMatchObject({ code: "ECONNREFUSED" });
    for (const { socket } of all.blind) socket.destroy();
    await Promise.all(Object.values(all).flat().map(({ gone }) => gone));
    // Behind its handler, where that ends.
    for (const end of finish) end();
    await until(() => codes.length === 1_950 && streams.ended === 220);
    expect([...new Set(codes)]).toEqual([1006]);
    await until(() => openFiles() <= files + FILES_OF_OTHERS);

    await listener.start();
    expect((await answerTo(listener.port, upgradeRequest("/none"))).status).toBe(404);
    expect(await listener.gracefulStop()).toEqual({ closed: 0, cut: 0 });
  },
  PATIENCE,
);

it("L6: a gracefulStop that does not wait still tells each of 1 000 why", async () => {
  const { listener } = await listenToCrowd();
  const members = await crowd(listener.port, "/idle", 1_000);
  whenOver(() => members.forEach(({ socket }) => socket.destroy()));
  const { closed, cut } = await listener.gracefulStop({ timeout: 0, statusCode: 1012 });
  expect(closed + cut).toBe(1_000);
  await Promise.all(members.map(({ gone }) => gone));
  const codes = here({ "deno native": deviates("deno-no-cut", [1012, 1001]) }, [1012]);
  expect(members.map(({ code }) => code).filter((code) => !codes.includes(code!))).toEqual([]);
}, PATIENCE);

it("L6: immediateStop ends a gracefulStop that waits for a handler without end, and the start behind that", async () => {
  const { listener, endless } = await listenToCrowd();
  const [member] = await crowd(listener.port, "/never", 1);
  member!.text("go");
  await until(() => endless.length === 1);
  const stopping = listener.gracefulStop({ timeout: -1 });
  await member!.gone;
  const starting = listener.start();
  await listener.immediateStop();
  expect(await stopping).toEqual({ closed: 0, cut: 1 });
  await starting;
  await listener.start();
  expect((await answerTo(listener.port, upgradeRequest("/none"))).status).toBe(404);
});
