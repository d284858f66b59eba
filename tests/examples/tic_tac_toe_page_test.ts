/** The page of tic-tac-toe in examples/, in Chromium: what players and those who watch see, and that it connects again. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { fetchPage } from "../../examples/tic_tac_toe/site.ts";
import { tableFor } from "../../examples/tic_tac_toe/table.ts";
import { type Caller, Listener, type Service } from "../../mod.ts";
import { openPage, startChromium } from "../interop/support/chromium.ts";
import { needs } from "../interop/support/needs.ts";
import { visit } from "./programs.ts";
import { Relay } from "./relay.ts";

const SLOW = { timeout: 60_000 };

/** Where pictures of the page go, for a person to look at; not set: there are none. */
const PICTURES = process.env["HAWSER_SCREENSHOTS"];

/** What a picture is taken of. */
const SCREENS = { desktop: [1_280, 800], phone: [360, 640], sideways: [640, 360] } as const;

let chromium: Promise<Browser> | undefined;
afterAll(async () => (await chromium)?.close());

/** The server behind a relay, so that it may come back where it was. */
class Site {
  /** Of the connections to the server, in the order in which they were opened. */
  readonly callers: Caller[] = [];
  readonly #relay: Relay;
  readonly #hold: number;
  #listener: Listener | undefined;

  /** @param hold seconds for which a seat is kept */
  static async start(hold = 30): Promise<Site> {
    const site = new Site(await Relay.start(), hold);
    onTestFinished(() => site.stop());
    await site.start();
    return site;
  }

  private constructor(relay: Relay, hold: number) {
    this.#relay = relay;
    this.#hold = hold;
  }

  get host(): string {
    return this.#relay.host;
  }

  /** A new server, which knows nothing of the last one's games. */
  async start(): Promise<void> {
    const service = tableFor(this.#hold);
    this.#listener = new Listener(0, { host: "127.0.0.1", fetch: fetchPage });
    this.#listener.attach("/ws/game", {
      ...service,
      get: async (request, context) => this.#seen(await service.get(request, context) as Service),
    });
    await this.#listener.start();
    this.#relay.target = this.#listener.port;
  }

  async stop(): Promise<void> {
    this.#relay.target = undefined;
    await this.#listener?.gracefulStop();
  }

  /** Opens the page. */
  async open(): Promise<Page> {
    chromium ??= startChromium();
    const page = await openPage(await chromium, `http://${this.host}/`);
    onTestFinished(() => page.context().close());
    return page;
  }

  /** The same table, whose `onOpen` is seen. */
  #seen(table: Service): Service {
    const { onOpen } = Object.getPrototypeOf(table) as Service;
    table.onOpen = (caller) => {
      this.callers.push(caller);
      return onOpen!.call(table, caller);
    };
    return table;
  }
}

/** Takes pictures of the page as it is, on each screen in both colour schemes. */
async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  for (const [screen, [width, height]] of Object.entries(SCREENS)) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(PICTURES, `${name}, ${screen}, ${colorScheme}.png`), animations: "disabled" });
    }
  }
}

/** Waits for the headline, and hands out the line below it. */
async function headline(page: Page, title: string): Promise<string | null> {
  await page.locator(`#status strong:text-is("${title}")`).waitFor();
  return page.locator("#status span").textContent();
}

/** Waits for the line below the headline. */
async function news(page: Page, text: string): Promise<void> {
  await page.locator(`#status span:text-is("${text}")`).waitFor();
}

async function connection(page: Page, state: string): Promise<void> {
  await page.locator(`#connection[data-state=${state}]`).waitFor();
}

/** Waits for the squares, and that a reader of the screen is told the same: a headline may be that of an earlier turn. */
async function showsBoard(page: Page, signs: string): Promise<void> {
  const has = [...signs].map((sign, i) => {
    const [row, column] = [Math.floor(i / 3) + 1, i % 3 + 1];
    return `:has(> :nth-child(${row}) > :nth-child(${column}) > [data-sign="${sign.replace("-", "")}"])`;
  });
  await page.locator(`#board${has.join("")}`).waitFor();
  for (const [i, sign] of [...signs].entries()) {
    expect(await square(page, i).getAttribute("aria-label")).toBe(`${place(i)}: ${sign.replace("-", "empty")}`);
  }
}

function place(square: number): string {
  return `row ${Math.floor(square / 3) + 1}, column ${square % 3 + 1}`;
}

function square(page: Page, at: number): Locator {
  return page.getByRole("button", { name: place(at) });
}

/** With the mouse, also where there is nothing to play. */
async function click(page: Page, at: number): Promise<void> {
  await square(page, at).click({ force: true });
}

function focused(page: Page): Promise<string | null> {
  return page.locator("*:focus").getAttribute("aria-label");
}

/** Two players, and the board as both see it. */
async function sitDown(site: Site): Promise<[x: Page, o: Page]> {
  const x = await site.open();
  await headline(x, "Waiting for a rival");
  const o = await site.open();
  expect(await headline(o, "Rival’s turn")).toBe("You play O.");
  await headline(x, "Your turn");
  return [x, o];
}

/** Plays in turns, X first. */
async function playAll(players: readonly [Page, Page], squares: readonly number[]): Promise<void> {
  for (const [i, at] of squares.entries()) {
    await headline(players[i % 2]!, "Your turn");
    await click(players[i % 2]!, at);
    for (const player of players) {
      await square(player, at).and(player.locator("[data-sign=X], [data-sign=O]")).waitFor();
    }
  }
}

it(
  "X1: two play in the page, with the mouse and with keys; a third watches; the winner is shown, and they play again",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const x = await site.open();
    await headline(x, "Waiting for a rival");
    await picture(x, "waiting for a rival");
    const o = await site.open();
    expect(await headline(o, "Rival’s turn")).toBe("You play O.");
    await picture(o, "their turn");
    await headline(x, "Your turn");
    const third = await site.open();
    expect(await headline(third, "X’s turn")).toBe("Only two players are allowed: you watch.");
    expect(await third.locator("#watching").textContent()).toMatch(/^You are watching: both seats are taken\./);

    await click(third, 0);
    await click(o, 0); // out of turn
    await click(x, 4);
    expect(await headline(o, "Your turn")).toBe("X played row 2, column 2.");
    expect(await o.title()).toBe("Your turn – Tic-tac-toe");
    await picture(o, "your turn");
    await o.keyboard.press("4"); // left, in the middle
    await headline(x, "Your turn");
    await showsBoard(x, "---OX----");
    await showsBoard(third, "---OX----");
    await picture(third, "watching");

    // From the middle, which the click went to: up, right, and then round to the left.
    for (const key of ["ArrowUp", "ArrowRight", "Enter"]) await x.keyboard.press(key);
    await headline(o, "Your turn");
    await showsBoard(o, "--XOX----");
    expect(await focused(o)).toBe("row 2, column 1: O");
    await o.keyboard.press("ArrowLeft");
    expect(await focused(o)).toBe("row 2, column 3: empty");
    await o.keyboard.press("Enter");
    await headline(x, "Your turn");
    await x.keyboard.press("7");

    expect(await headline(x, "You win!")).toBe("");
    expect(await headline(o, "You lose")).toBe("X played row 3, column 1.");
    await headline(third, "X wins");
    for (const page of [x, o, third]) {
      await showsBoard(page, "--XOXOX--");
      for (const at of [2, 4, 6]) await square(page, at).and(page.locator(".won")).waitFor();
      expect(await page.locator(".won").count()).toBe(3);
      expect(await page.locator("[data-sign=X] .score").textContent()).toBe("Games won: 1");
    }
    expect(await third.getByRole("button", { name: /again/ }).count()).toBe(0);
    await picture(x, "won");
    await picture(o, "lost");
    await picture(third, "watched the end");

    await x.getByRole("button", { name: "Play again" }).press("Enter");
    await x.getByRole("button", { name: "Waiting for your rival" }).waitFor();
    await news(o, "X wants to play again.");
    await picture(x, "rematch asked");
    await picture(o, "rematch offered");
    await o.getByRole("button", { name: "Play again, too" }).click();
    await headline(o, "Your turn");
    await headline(x, "Rival’s turn");
    await showsBoard(third, "---------");
    // The button that had the focus is gone: it is on the board.
    expect(await focused(x)).toBe("row 2, column 2: empty");
  }),
);

it(
  "X1: a game may end in a draw; a player who does not come back is told of, and the first who watches takes the seat",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start(0.2);
    const [x, o] = await sitDown(site);
    const watcher = await site.open();
    await headline(watcher, "X’s turn");
    await playAll([x, o], [4, 0, 2, 6, 3, 5, 1, 7, 8]);
    for (const page of [x, o, watcher]) await headline(page, "A draw");
    await picture(x, "draw");
    await o.goto("about:blank");
    expect(await headline(watcher, "Rival’s turn")).toBe("You play O.");
    await headline(x, "Your turn");
    await watcher.goto("about:blank");
    expect(await headline(x, "Waiting for a rival")).toBe("O did not come back.");
    await picture(x, "rival did not come back");
    await x.getByText("Whoever opens this page now plays against you.").waitFor();
  }),
);

it(
  "X1: who left the page is missed, and finds his seat and the board as they were when he comes back",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    await playAll([x, o], [0, 4]);
    await x.goto("about:blank");
    await o.locator('#players [data-sign=X] small:text-is("away")').waitFor();
    await news(o, "X left. The seat is kept for 30 seconds.");
    await picture(o, "rival left");
    const watcher = await site.open();
    expect(await headline(watcher, "X’s turn")).toBe("A seat is kept for a player who has left: you watch.");
    await picture(watcher, "watching, a seat is kept");

    await x.goto(`http://${site.host}/`);
    await news(o, "X is back.");
    await picture(o, "rival is back");
    expect(await headline(x, "Your turn")).toBe("You are back at your seat.");
    await showsBoard(x, "X---O----");
    await playAll([x, o], [8]);

    // The way back is to the first page, which was kept: its connection was not.
    await x.evaluate("setTimeout(() => history.go(-2)) && undefined");
    await news(o, "X is back.");
    expect(await headline(x, "Rival’s turn")).toBe("You are back at your seat.");
    await showsBoard(x, "X---O---X");
  }),
);

it(
  "X1: the page connects again by itself: when the server closes, when the connection is lost, when the server restarts",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    await playAll([x, o], [0, 4]);
    await site.callers[0]!.close(1012, "restart");
    await connection(x, "waiting");
    expect(await x.locator("#connection span").textContent()).toBe("Offline");
    await connection(x, "open");
    expect(await headline(x, "Your turn")).toBe("You are back at your seat.");
    site.callers[1]!.terminate();
    await news(x, "O is back.");
    await playAll([x, o], [8]);
    await showsBoard(x, "X---O---X");
    await showsBoard(o, "X---O---X");

    await site.stop();
    for (const page of [x, o]) {
      expect(await headline(page, "No connection")).toBe("The page tries again by itself.");
      await page.getByRole("button", { name: "Retry" }).waitFor();
      await page.locator("#connection small", { hasText: /^Again in \d s$/ }).waitFor();
      // What is played now would be lost.
      expect(await page.locator("#board [aria-disabled=false]").count()).toBe(0);
    }
    await picture(o, "the server is gone");
    await site.start();
    for (const page of [o, x]) await page.evaluate(`document.querySelector("#connection button").click()`);
    for (const page of [x, o]) {
      await connection(page, "open");
      await page.locator("#players:not(:has([data-seat=free]))").waitFor();
      await showsBoard(page, "---------");
    }
  }),
);

it(
  "X1: a second window with the same seat takes it over, and the first one says so and takes it back when told",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    const token = await x.evaluate("sessionStorage.getItem('token')");
    const other = await visit(`ws://${site.host}/ws/game?token=${token}`);
    expect(JSON.parse(await other.readTextMessage())).toMatchObject({ type: "state", sign: "X" });
    await connection(x, "taken");
    expect(await headline(x, "You play in another window")).toBe("Or play on here, instead of there.");
    await picture(x, "playing in another window");
    await other.writeMessage({ type: "move", square: 0 });
    await headline(o, "Your turn");
    expect(site.callers).toHaveLength(3);
    await x.getByRole("button", { name: "Play here" }).click();
    expect(await headline(x, "Rival’s turn")).toBe("You are back at your seat.");
    await showsBoard(x, "X--------");
    expect(await other.closed).toMatchObject({ code: 4001 });
  }),
);

/** The ratios of WCAG 2, of each text that is shown to what is behind it, that are below 4.5. */
const PALE_TEXTS = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((part) => part / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const isClear = (color) => parse(color)[3] === 0;
  const behind = (element) => {
    while (isClear(getComputedStyle(element).backgroundColor)) element = element.parentElement;
    return getComputedStyle(element).backgroundColor;
  };
  return [...document.querySelectorAll("h1, p, b, small, span, strong, button")]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some((node) => node.data?.trim()))
    .map((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
      return [element.textContent, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    })
    .filter(([, ratio]) => ratio < 4.5);
})()`;
/** Of each square: whether it is all on the screen, square, and large enough for a finger. */
const BAD_SQUARES = `[...document.querySelectorAll("#board button")]
  .map((button) => button.getBoundingClientRect())
  .filter(({ left, top, right, bottom, width, height }) =>
    left < 0 || top < 0 || right > innerWidth || bottom > innerHeight ||
    width < 44 || height < 44 || Math.abs(width - height) > 1).length`;

it(
  "X1: the page can be read in both colour schemes and fits a phone; its policy lets nothing in",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    await playAll([x, o], [0, 3, 1, 4, 2]);
    await headline(x, "You win!");
    const grounds = new Set<unknown>();
    for (const colorScheme of ["light", "dark"] as const) {
      await x.emulateMedia({ colorScheme });
      grounds.add(await x.evaluate("getComputedStyle(document.body).backgroundColor"));
      expect([colorScheme, await x.evaluate(PALE_TEXTS)]).toEqual([colorScheme, []]);
    }
    expect(grounds.size).toBe(2);

    for (const [width, height] of [[320, 568], [360, 640], [640, 360], [1_280, 800]] as const) {
      await x.setViewportSize({ width, height });
      const scrollWidth = await x.evaluate("document.documentElement.scrollWidth");
      expect([width, scrollWidth, await x.evaluate(BAD_SQUARES)]).toEqual([width, width, 0]);
    }

    const script = `(() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      return window.ran === undefined;
    })()`;
    expect(await x.evaluate(script)).toBe(true);
    const elsewhere = `new Promise((resolve) => {
      addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective));
      new WebSocket("ws://localhost:9/");
    })`;
    expect(await x.evaluate(elsewhere)).toBe("connect-src");
  }),
);
