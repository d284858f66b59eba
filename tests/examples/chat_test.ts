/** The chat of examples/: its server, its program for the terminal, and clients between them. */

import { expect, it, onTestFinished } from "vitest";
import type { Client } from "../../mod.ts";
import { examplePrograms, hear, visit } from "./programs.ts";
import { Relay } from "./relay.ts";
import { WebSocket } from "../support/ws_package.ts";

const SLOW = { timeout: 60_000 };

const CHAT = "chat/server.ts";
const TERMINAL = "chat/client.ts";
const { run, serve } = examplePrograms(CHAT, TERMINAL);

function welcome(name: string): string {
  return `Hi ${name}! You have successfully connected to the chat`;
}

async function refusal(url: string): Promise<unknown[]> {
  const error = await visit(url).catch((error) => error);
  return [error.status, await error.body()];
}

/** Joins, and takes the welcome. */
async function enter(url: string, name: string): Promise<Client> {
  const client = await visit(`${url}/chat/${encodeURIComponent(name)}`);
  expect(await client.readTextMessage()).toBe(welcome(name));
  return client;
}

it(
  "X1: three in the chat, one of them the terminal program over pipes, hear each other come, speak and leave",
  SLOW,
  async () => {
    const { program: server, url } = await serve(CHAT);
    const ada = await enter(url, "Ada");
    const ben = await enter(url, "ben");
    const terminal = run(TERMINAL, {}, "zoë", url);
    await terminal.wrote(/^Hi zoë! You have successfully connected to the chat\n/);
    expect(await hear(ada, 2)).toEqual(["ben connected to chat", "zoë connected to chat"]);
    expect(await hear(ben, 1)).toEqual(["zoë connected to chat"]);

    await ada.writeTextMessage("Hello, all!");
    await terminal.wrote(/^Ada: Hello, all!\n/m);
    terminal.write("Grüße 👋\n");
    await terminal.wrote(/^zoë: Grüße 👋\n/m);
    const heard = ["Ada: Hello, all!", "zoë: Grüße 👋"];
    expect([await hear(ada, 2), await hear(ben, 2)]).toEqual([heard, heard]);

    expect(await ben.close()).toMatchObject({ code: 1000, clean: true });
    await terminal.wrote(/^ben left the chat\n/m);
    terminal.write("exit\n");
    expect(await terminal.ended).toBe(0);
    expect(await hear(ada, 2)).toEqual(["ben left the chat", "zoë left the chat"]);

    expect(await server.kill("SIGTERM")).toBe(0);
    expect(await ada.closed).toMatchObject({ code: 1001, reason: "The server stops", clean: true });
    expect(server.output).toContain("Stopped: 1 connections closed, 0 cut\n");
  },
);

it("X1: two clients of the package ws and the terminal program hear each other", SLOW, async () => {
  const { url } = await serve(CHAT);
  const terminal = run(TERMINAL, {}, "zoë", url);
  await terminal.wrote(/^Hi zoë!/m);
  const [ada, ben] = [new WebSocket(`${url}/chat/ada`), new WebSocket(`${url}/chat/ben`)];
  onTestFinished(() => [ada, ben].forEach((socket) => socket.terminate()));
  const heard: string[] = [];
  const heardAll = new Promise<void>((resolve) => {
    for (const socket of [ada, ben]) {
      socket.on("message", (data) => {
        heard.push(String(data));
        if (heard.filter((text) => text === "ben: from ws" || text === "zoë: from a terminal").length === 4) resolve();
      });
    }
  });
  await terminal.wrote(/^(?=[^]*^ada connected to chat\n)(?=[^]*^ben connected to chat\n)/m);
  await new Promise<void>((resolve) => ben.readyState === WebSocket.OPEN ? resolve() : ben.once("open", resolve));
  ben.send("from ws");
  await terminal.wrote(/^ben: from ws\n/m);
  terminal.write("from a terminal\n");
  await heardAll;
  ada.close();
  await terminal.wrote(/^ada left the chat\n/m);
});

it("X1: a terminal program asks a pipe for the name, says all that came before the end, and leaves", SLOW, async () => {
  const { url } = await serve(CHAT);
  const ada = await enter(url, "ada");
  const terminal = run(TERMINAL, {});
  terminal.end();
  expect(await terminal.ended).toBe(1);
  expect(terminal.output).toBe("A name is needed\n");

  const ben = run(TERMINAL, { PORT: new URL(url).port });
  ben.write("ben\none\n\ntwo");
  ben.end();
  expect(await ben.ended).toBe(0);
  expect(await hear(ada, 4)).toEqual(["ben connected to chat", "ben: one", "ben: two", "ben left the chat"]);
});

it(
  "X1: the terminal program ends, and says why, when it is refused and when the server is not there or closes it",
  SLOW,
  async () => {
    const { program: server, url } = await serve(CHAT);
    const ada = run(TERMINAL, {}, "ada", url);
    await ada.wrote(/Hi ada!/);
    const again = run(TERMINAL, {}, "Ada", url);
    expect(await again.ended).toBe(1);
    expect(again.output).toBe("Somebody called Ada is in the chat already\n");
    ada.write(`${"x".repeat(16_385)}\n`);
    expect(await ada.ended).toBe(1);
    expect(ada.output).toMatch(/closed with 1009/);
    expect(await server.kill("SIGINT")).toBe(0);
    const late = run(TERMINAL, {}, "ada", url);
    expect(await late.ended).toBe(1);
    expect(late.output).toMatch(/^Cannot connect.*\n$/);
  },
);

it(
  "X1: the terminal program comes back to a server that comes back, and what was typed meanwhile is said then",
  SLOW,
  async () => {
    const { program: server, url } = await serve(CHAT);
    const relay = await Relay.start(Number(new URL(url).port));
    const terminal = run(TERMINAL, {}, "zoë", `ws://${relay.host}`);
    await terminal.wrote(/^Hi zoë!/m);
    relay.target = undefined;
    expect(await server.kill("SIGTERM")).toBe(0);
    await terminal.wrote(/^The connection is lost: trying again until it is back\n/m);
    terminal.write("Who is there?\n");

    const { program: next, url: there } = await serve(CHAT);
    relay.target = Number(new URL(there).port);
    await terminal.wrote(/^Connected again\nHi zoë!.*\nzoë: Who is there\?\n/m);

    // The server has not missed her yet: her name is taken, by herself.
    const count = relay.count;
    relay.loseClients();
    await relay.connections(count + 2);
    relay.loseServers();
    await terminal.wrote(/(Connected again\n[^]*){2}/);
    terminal.write("Me\n");
    await terminal.wrote(/^zoë: Me\n/m);

    expect(await next.kill("SIGTERM")).toBe(0);
    await terminal.wrote(/(The connection is lost[^]*){3}/);
    await relay.connections(relay.count + 1); // tried in vain
    terminal.write("Nobody\nexit\n");
    expect(await terminal.ended).toBe(0);
  },
);

it("X1: nobody is somebody else: names are checked, and are there once; what is said is one line", SLOW, async () => {
  const { url } = await serve(CHAT);
  for (const name of ["ada%3A%20hi", "a%20left%20the%20chat", "%3Cb%3E", "a".repeat(21), "a%0Ab", "%1B[31m"]) {
    expect(await refusal(`${url}/chat/${name}`)).toEqual([400, expect.stringContaining("A name has")]);
  }
  const ada = await enter(url, "Zoë");
  expect(await refusal(`${url}/chat/${encodeURIComponent("zoë")}`)).toEqual([409, expect.stringContaining("already")]);
  // At once, they may both be let in; then the second is closed.
  const both = await Promise.allSettled([visit(`${url}/chat/twin`), visit(`${url}/chat/twin`)]);
  const twins = both.filter((twin) => twin.status === "fulfilled").map(({ value }) => value);
  const heard = await Promise.all(twins.map((twin) => twin.readTextMessage().catch(() => "")));
  const [twin, ...closed] = [...twins].sort((a, b) =>
    heard[twins.indexOf(b)]!.length - heard[twins.indexOf(a)]!.length
  );
  expect(heard[twins.indexOf(twin!)]).toBe(welcome("twin"));
  for (const { closed: end } of closed) expect(await end).toMatchObject({ code: 1008, clean: true });
  await ada.writeTextMessage("hi\nben: I am not ben\x1b[2J");
  const said = "Zoë: hi ben: I am not ben [2J";
  expect([await hear(ada, 2), await hear(twin!, 1)]).toEqual([["twin connected to chat", said], [said]]);
  await ada.close();
  await enter(url, "zoë");
});

it("X1: a message has a limit, and what is far beyond it ends the connection", SLOW, async () => {
  const { url } = await serve(CHAT);
  const [ada, ben] = [await enter(url, "ada"), await enter(url, "ben")];
  await ada.writeTextMessage("x".repeat(501));
  await ada.writeTextMessage("x".repeat(500));
  expect(await hear(ada, 3)).toEqual([
    "ben connected to chat",
    "Nobody heard that: 500 characters are the most",
    `ada: ${"x".repeat(500)}`,
  ]);
  expect(await hear(ben, 1)).toEqual([`ada: ${"x".repeat(500)}`]);
  await ben.writeTextMessage("x".repeat(16_385));
  expect(await ben.closed).toMatchObject({ code: 1009 });
  expect(await hear(ada, 1)).toEqual(["ben left the chat"]);
});

it("X1: a member who reads nothing holds up nobody, and is closed with 1013", SLOW, async () => {
  const { url } = await serve(CHAT);
  const ada = await enter(url, "ada");
  const slow = await visit(`${url}/chat/slow`, { readAhead: { messages: 1 }, webSocketCompressionEnabled: false });
  expect(await hear(ada, 1)).toEqual(["slow connected to chat"]);
  const text = "€".repeat(500);
  let said = 0;
  let again: Client | undefined;
  // Until the name is free again: the server has given up on who reads nothing.
  for (; again === undefined; again = await visit(`${url}/chat/slow`).catch(() => undefined)) {
    // As much as the server may have waiting for somebody who reads.
    for (let i = 0; i < 100; i++, said++) await ada.writeTextMessage(text);
    expect(new Set(await hear(ada, 100))).toEqual(new Set([`ada: ${text}`]));
  }
  let count = 0;
  const end = (async () => {
    for await (const _ of slow) count++;
  })();
  await expect(end).rejects.toMatchObject({ closure: { code: 1013, reason: "too slow" } });
  expect(count).toBeLessThan(said);
  // The end of the one takes nothing from the other.
  await again.writeTextMessage("here");
  expect(await hear(ada, 2)).toEqual(["slow connected to chat", "slow: here"]);
  await ada.writeTextMessage("good");
  expect(await hear(again, 3)).toEqual([welcome("slow"), "slow: here", "ada: good"]);
});
