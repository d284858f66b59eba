/** What the server of tic-tac-toe in examples/ says, and what it lets nobody do. Its page is in tic_tac_toe_page_test.ts. */

import { expect, it, onTestFinished } from "vitest";
import { fetchPage } from "../../examples/tic_tac_toe/site.ts";
import { tableFor } from "../../examples/tic_tac_toe/table.ts";
import { type Client, Listener } from "../../mod.ts";
import { serve, visit } from "./programs.ts";

// deno-lint-ignore no-explicit-any -- what a test looks into
type Said = any;

const EMPTY = Array(9).fill(null);

/** What server.ts starts, here: its url, and that of the game. */
async function table(hold = 30): Promise<{ url: string; game: string }> {
  const listener = new Listener(0, { host: "127.0.0.1", fetch: fetchPage });
  onTestFinished(() => listener.immediateStop());
  listener.attach("/ws/game", tableFor(hold));
  await listener.start();
  return { url: listener.url, game: `${listener.url}/ws/game` };
}

async function next(client: Client): Promise<Said> {
  return JSON.parse(await client.readTextMessage());
}

/** The next message of a type; others before it are passed over. */
async function until(client: Client, type: string): Promise<Said> {
  for (;;) {
    const said = await next(client);
    if (said.type === type) return said;
  }
}

/** Sits down, or watches. */
async function come(url: string): Promise<{ client: Client; said: Said }> {
  const client = await visit(url);
  return { client, said: await next(client) };
}

/** Plays in turns, each move awaited by both. */
async function playAll(players: readonly [Client, Client], squares: readonly number[], first = 0): Promise<Said> {
  let said: Said;
  for (const [i, square] of squares.entries()) {
    await players[(i + first) % 2]!.writeMessage({ type: "move", square });
    for (const player of players) said = await until(player, "move");
  }
  return said;
}

it("X1: two sit down, a third is told why not and sees the game; turns pass, and one wins", async () => {
  const { game } = await table();
  const x = await come(game);
  expect(x.said).toMatchObject({
    type: "start",
    sign: "X",
    next: "X",
    squares: EMPTY,
    seats: { X: "here", O: "free" },
  });
  const o = await come(game);
  expect(o.said).toMatchObject({ type: "start", sign: "O", next: "X", seats: { X: "here", O: "here" } });
  expect(await next(x.client)).toMatchObject({ type: "playerJoined", player: "O" });
  const players = [x.client, o.client] as const;
  await playAll(players, [4, 0]);
  const third = await come(game);
  expect(third.said).toMatchObject({ type: "watch", sign: null, why: "Only two players are allowed", watching: 1 });
  expect(third.said.squares).toEqual(["O", null, null, null, "X", null, null, null, null]);
  expect(third.said.token).toBeUndefined();

  expect(await playAll(players, [2, 8])).toMatchObject({ type: "move", move: 8, player: "O", next: "X", winner: null });
  await x.client.writeMessage({ type: "move", square: 6 });
  const end = { winner: "X", line: [2, 4, 6], next: null, score: { X: 1, O: 0 } };
  for (const client of [...players, third.client]) expect(await until(client, "end")).toMatchObject(end);
});

it(
  "X1: nobody plays out of turn, outside the board, on a taken square, alone, as a third, or after the end",
  async () => {
    const { game } = await table();
    const refusals: string[] = [];
    const attempt = async (client: Client, message: object): Promise<void> => {
      await client.writeMessage(message);
      const { why } = await until(client, "refused");
      refusals.push(why);
    };
    const { client: x } = await come(game);
    await attempt(x, { type: "move", square: 0 });
    const { client: o } = await come(game);
    const { client: third } = await come(game);
    await attempt(o, { type: "move", square: 0 });
    for (const square of [-1, 9, 1.5, "0", null, undefined, "__proto__"]) await attempt(x, { type: "move", square });
    await attempt(third, { type: "move", square: 0 });
    await attempt(third, { type: "rematch" });
    await attempt(x, { type: "rematch" });
    await playAll([x, o], [0]);
    await attempt(o, { type: "move", square: 0 });
    await playAll([x, o], [3, 1, 4, 2], 1);
    await attempt(o, { type: "move", square: 8 });
    expect(refusals).toEqual([
      "There is no second player yet",
      "It is the turn of X",
      ...Array(7).fill("There is no such square"),
      "Only the two players may play",
      "Only the two players may ask for a rematch",
      "The game is not over",
      "That square is taken",
      "The game is over",
    ]);
  },
);

it("X1: a draw has no winner; a rematch begins when both want it, and the other begins", async () => {
  const { game } = await table();
  const players = [(await come(game)).client, (await come(game)).client] as const;
  const [x, o] = players;
  await playAll(players, [4, 0, 2, 6, 3, 5, 1, 7, 8]);
  for (const player of players) {
    expect(await until(player, "end")).toMatchObject({ winner: null, line: null, next: null, score: { X: 0, O: 0 } });
  }
  await o.writeMessage({ type: "rematch" });
  await o.writeMessage({ type: "rematch" });
  expect(await until(x, "rematch")).toMatchObject({ player: "O", rematch: ["O"], next: null });
  await x.writeMessage({ type: "rematch" });
  for (const player of players) {
    expect(await until(player, "start")).toMatchObject({ next: "O", squares: EMPTY, rematch: [], winner: null });
  }
  await playAll(players, [0, 3, 1, 4, 2], 1);
  for (const player of players) {
    expect(await until(player, "end")).toMatchObject({ winner: "O", score: { X: 0, O: 1 } });
  }
});

it("X1: who left comes back to his seat with his token, and the board is as it was", async () => {
  const { game } = await table();
  const x = await come(game);
  const o = await come(game);
  await playAll([x.client, o.client], [4, 0]);
  x.client.terminate();
  expect(await until(o.client, "playerLeft")).toMatchObject({ player: "X", hold: 30, seats: { X: "away", O: "here" } });
  // Neither without a token nor with a wrong one.
  const { client: stranger, said } = await come(`${game}?token=${"0".repeat(36)}`);
  expect(said).toMatchObject({ type: "watch", why: "A seat is kept for a player who has left" });
  const back = await come(`${game}?token=${x.said.token}`);
  expect(back.said).toMatchObject({ type: "state", sign: "X", token: x.said.token, next: "X" });
  expect(back.said.squares).toEqual(["O", null, null, null, "X", null, null, null, null]);
  expect(await until(o.client, "playerBack")).toMatchObject({ player: "X", seats: { X: "here", O: "here" } });
  await playAll([back.client, o.client], [8]);
  expect(await until(stranger, "move")).toMatchObject({ move: 8, player: "X" });

  // In another window: the connection before is closed, and its seat is not lost with it.
  const again = await come(`${game}?token=${x.said.token}`);
  expect(again.said).toMatchObject({ type: "state", sign: "X" });
  expect(await back.client.closed).toMatchObject({ code: 4001, reason: "You play on another connection" });
  await playAll([o.client, again.client], [1]);
  expect(await until(stranger, "move")).toMatchObject({ move: 1, seats: { X: "here", O: "here" } });
});

it("X1: a seat that is kept long enough goes to who has watched longest, with a new game", async () => {
  const { game } = await table(0.05);
  const x = await come(game);
  const o = await come(game);
  const [first, second] = [await come(game), await come(game)];
  await playAll([x.client, o.client], [4]);
  await o.client.close();
  expect(await until(first.client, "seatFree")).toMatchObject({ player: "O", squares: EMPTY, next: "X" });
  expect(await until(first.client, "start")).toMatchObject({ sign: "O", seats: { X: "here", O: "here" }, watching: 1 });
  expect(await until(second.client, "playerJoined")).toMatchObject({ player: "O" });
  expect((await come(`${game}?token=${o.said.token}`)).said).toMatchObject({ type: "watch" });
  await playAll([x.client, first.client], [0, 1]);
});

it("X1: the seat of who came back in time stays his", async () => {
  const { game } = await table(1);
  const x = await come(game);
  const o = await come(game);
  const watcher = await come(game);
  x.client.terminate();
  await until(o.client, "playerLeft");
  expect((await come(`${game}?token=${x.said.token}`)).said).toMatchObject({ type: "state", sign: "X" });
  o.client.terminate();
  // His own time would have been up before.
  expect(await until(watcher.client, "seatFree")).toMatchObject({ player: "O", seats: { X: "here", O: "free" } });
});

it("X1: what is no message of the game closes with 1003, and what is too long for one with 1009", async () => {
  const { game } = await table();
  for (const text of ["", "4", "null", "[]", '"move"', "{", '{"type":"onOpen"}', '{"type":["move"],"square":0}']) {
    const client = await visit(game);
    await client.writeTextMessage(text);
    expect(await client.closed).toMatchObject({ code: 1003, reason: "That is not a message of this game" });
  }
  const binary = await visit(game);
  await binary.writeBinaryMessage(Uint8Array.of(0));
  expect(await binary.closed).toMatchObject({ code: 1003 });
  const client = await visit(game);
  await client.writeMessage({ type: "move", square: "0".repeat(256) });
  expect(await client.closed).toMatchObject({ code: 1009 });
});

it("X1: the page and nothing else is served, and only its own pages may play", async () => {
  const { url, game } = await table();
  const site = url.replace("ws", "http");
  for (const [path, type] of [["/", "html"], ["/style.css", "css"], ["/game.js", "javascript"], ["/icon.svg", "svg"]]) {
    const answer = await fetch(`${site}${path}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, expect.stringContaining(type!)]);
    const policy = answer.headers.get("content-security-policy");
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).not.toMatch(/unsafe|http|\*/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    const text = await answer.text();
    expect(text.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:\/\/|\sstyle=|\son\w+=/);
  }
  for (const path of ["/server.ts", "/../server.ts", "/%2e%2e/server.ts", "/page/index.html"]) {
    const answer = await fetch(`${site}${path}`);
    expect([path, answer.status, await answer.text()]).toEqual([path, 404, "Not found\n"]);
  }
  const posted = await fetch(`${site}/`, { method: "POST", body: "x" });
  expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  await posted.text();
  const head = await fetch(`${site}/`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  await expect(visit(game, { origin: "https://example.com" })).rejects.toMatchObject({ status: 403 });
  await visit(game, { origin: site });
});

it("X1: the program serves the page and its game, keeps a seat as long as it is told, and ends in good order", {
  timeout: 60_000,
}, async () => {
  const { program, url } = await serve("tic_tac_toe/server.ts", { HOLD: "3600" });
  const page = await fetch(url.replace("ws", "http"));
  expect(await page.text()).toContain("<title>Tic-tac-toe</title>");
  const { client: x } = await come(`${url}/ws/game`);
  const { client: o } = await come(`${url}/ws/game`);
  await o.close();
  expect(await until(x, "playerLeft")).toMatchObject({ player: "O", hold: 3600 });
  // The seat that is kept does not keep the program.
  expect(await program.kill("SIGTERM")).toBe(0);
  expect(await x.closed).toMatchObject({ code: 1001, reason: "The server stops", clean: true });
});
