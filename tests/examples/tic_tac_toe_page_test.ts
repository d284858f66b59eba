/** The page of tic-tac-toe in examples/, in Chromium: what players and those who watch see, and that it connects again. */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { fetchPage } from "../../examples/tic_tac_toe/site.ts";
import { tableFor } from "../../examples/tic_tac_toe/table.ts";
import { type Caller, Listener, type Service } from "../../mod.ts";
import { Chromium, type Page } from "../interop/support/chromium.ts";
import { needs } from "../interop/support/needs.ts";
import { visit } from "./programs.ts";

const SLOW = { timeout: 60_000 };

/** The longest a page may take to show something, in milliseconds. */
const PATIENCE = 15_000;

let chromium: Promise<Chromium> | undefined;
afterAll(async () => (await chromium)?.stop());

/** The server behind a relay, so that it may come back where it was. */
class Site {
  /** Of the connections to the server, in the order in which they were opened. */
  readonly callers: Caller[] = [];
  readonly #relay = createServer((client) => this.#pass(client));
  readonly #sockets = new Set<Socket>();
  #listener: Listener | undefined;

  static async start(): Promise<Site> {
    const site = new Site();
    onTestFinished(async () => {
      site.#relay.close();
      for (const socket of site.#sockets) socket.destroy();
      await site.stop();
    });
    await new Promise<void>((resolve) => site.#relay.listen(0, "127.0.0.1", resolve));
    await site.start();
    return site;
  }

  get host(): string {
    return `127.0.0.1:${(this.#relay.address() as AddressInfo).port}`;
  }

  /** A new server, which knows nothing of the last one's games. */
  async start(): Promise<void> {
    const service = tableFor(30);
    this.#listener = new Listener(0, { host: "127.0.0.1", fetch: fetchPage });
    this.#listener.attach("/ws/game", {
      ...service,
      get: async (request, context) => this.#seen(await service.get(request, context) as Service),
    });
    await this.#listener.start();
  }

  async stop(): Promise<void> {
    await this.#listener?.gracefulStop();
    this.#listener = undefined;
  }

  /** Opens the page. */
  async open(): Promise<Page> {
    chromium ??= Chromium.start();
    const page = await (await chromium).open(`http://${this.host}/`);
    onTestFinished(() => page.close());
    await page.call("Emulation.setFocusEmulationEnabled", { enabled: true });
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

  #pass(client: Socket): void {
    this.#keep(client);
    if (this.#listener === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ host: "127.0.0.1", port: this.#listener.port });
    this.#keep(server);
    for (const [from, to] of [[client, server], [server, client]] as const) {
      from.pipe(to);
      from.on("close", () => to.destroy());
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // its "close" follows
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

/** Waits in the page until `expression` is true. */
async function shows(page: Page, expression: string): Promise<void> {
  await page.evaluate(`new Promise((resolve, reject) => {
    const done = (end) => {
      observer.disconnect();
      clearTimeout(timer);
      end();
    };
    const look = () => (${expression}) && done(resolve);
    const late = () => done(() => reject(new Error(${
    JSON.stringify(expression)
  } + ", but: " + document.body.innerText)));
    const timer = setTimeout(late, ${PATIENCE});
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  })`);
}

function text(page: Page, selector: string): Promise<unknown> {
  return page.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`);
}

/** Waits for the headline, and hands out the line below it. */
async function headline(page: Page, title: string): Promise<unknown> {
  await shows(page, `document.querySelector("#status strong").textContent === ${JSON.stringify(title)}`);
  return text(page, "#status span");
}

async function connection(page: Page, state: string): Promise<void> {
  await shows(page, `document.querySelector("#connection").dataset.state === ${JSON.stringify(state)}`);
}

/** The squares as a reader of the screen is told, by their signs. */
async function board(page: Page): Promise<string> {
  const labels = await page.evaluate(
    `[...document.querySelectorAll("#board button")].map((button) => button.ariaLabel)`,
  );
  const places = [1, 2, 3].flatMap((row) => [1, 2, 3].map((column) => `row ${row}, column ${column}: `));
  return (labels as string[]).map((label, i) => {
    expect(label.startsWith(places[i]!)).toBe(true);
    return label.slice(places[i]!.length).replace("empty", "-");
  }).join("");
}

/** Waits for the squares: a headline may be that of an earlier turn. */
async function showsBoard(page: Page, signs: string): Promise<void> {
  const now = `[...document.querySelectorAll("#board button")].map(({ dataset }) => dataset.sign || "-").join("")`;
  await shows(page, `${now} === ${JSON.stringify(signs)}`);
  expect(await board(page)).toBe(signs);
}

async function click(page: Page, square: number): Promise<void> {
  await page.evaluate(`document.querySelectorAll("#board button")[${square}].click()`);
}

/** Two players, and the board as both see it. */
async function sitDown(site: Site): Promise<[x: Page, o: Page]> {
  const x = await site.open();
  await headline(x, "Waiting for a rival");
  const o = await site.open();
  expect(await headline(o, "Turn of X")).toBe("You play O.");
  await headline(x, "Your turn");
  return [x, o];
}

/** Plays in turns, X first. */
async function playAll(players: readonly [Page, Page], squares: readonly number[]): Promise<void> {
  for (const [i, square] of squares.entries()) {
    await headline(players[i % 2]!, "Your turn");
    await click(players[i % 2]!, square);
    for (const player of players) {
      await shows(player, `document.querySelectorAll("#board button")[${square}].dataset.sign !== ""`);
    }
  }
}

it(
  "X1: two play in the page, with the mouse and with keys; a third watches; the winner is shown, and they play again",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    const third = await site.open();
    expect(await headline(third, "Turn of X")).toBe("Only two players are allowed: you watch.");
    expect(await text(third, "#watching")).toBe("You are watching");

    await click(third, 0);
    await click(o, 0); // out of turn
    await click(x, 4);
    expect(await headline(o, "Your turn")).toBe("X played row 2, column 2.");
    expect(await o.evaluate("document.title")).toBe("Your turn – Tic-tac-toe");
    await o.press("4"); // left, in the middle
    await headline(x, "Your turn");
    await showsBoard(x, "---OX----");
    await showsBoard(third, "---OX----");

    // From the middle, which the click went to: up, right, and then round to the left.
    for (const key of ["Tab", "ArrowUp", "ArrowRight"]) await x.press(key);
    await x.press("Enter");
    await headline(o, "Your turn");
    await showsBoard(o, "--XOX----");
    expect(await o.evaluate("document.activeElement.ariaLabel")).toBe("row 2, column 1: O");
    await o.press("ArrowLeft");
    expect(await o.evaluate("document.activeElement.ariaLabel")).toBe("row 2, column 3: empty");
    await o.press("Enter");
    await headline(x, "Your turn");
    await x.press("7");

    expect(await headline(x, "You win!")).toBe("");
    expect(await headline(o, "You lose")).toBe("X played row 3, column 1.");
    await headline(third, "X wins");
    for (const page of [x, o, third]) {
      await showsBoard(page, "--XOXOX--");
      const won = `[...document.querySelectorAll("#board button")].flatMap((b, i) => b.matches(".won") ? [i] : [])`;
      expect(await page.evaluate(won)).toEqual([2, 4, 6]);
      expect(await text(page, "[data-sign=X] .score")).toBe("Games won: 1");
    }
    expect(await third.evaluate("document.querySelector('#rematch').hidden")).toBe(true);

    await x.evaluate("document.querySelector('#rematch').focus()");
    await x.press("Enter");
    await shows(x, "document.querySelector('#rematch').textContent === 'Waiting for your rival'");
    await shows(o, "document.querySelector('#status span').textContent === 'X wants to play again.'");
    await o.evaluate("document.querySelector('#rematch').click()");
    await headline(o, "Your turn");
    await headline(x, "Turn of O");
    await showsBoard(third, "---------");
    // The button that had the focus is gone: it is on the board.
    expect(await x.evaluate("document.activeElement.ariaLabel")).toBe("row 2, column 2: empty");
  }),
);

it(
  "X1: who left the page is missed, and finds his seat and the board as they were when he comes back",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    await playAll([x, o], [0, 4]);
    await x.call("Page.navigate", { url: "about:blank" });
    await shows(o, "document.querySelector('#players [data-sign=X] small').textContent === 'away'");
    expect(await text(o, "#status span")).toBe("X left. The seat is kept for 30 seconds.");
    const watcher = await site.open();
    expect(await headline(watcher, "Turn of X")).toBe("A seat is kept for a player who has left: you watch.");

    await x.call("Page.navigate", { url: `http://${site.host}/` });
    await shows(o, "document.querySelector('#status span').textContent === 'X is back.'");
    expect(await headline(x, "Your turn")).toBe("You are back at your seat.");
    await showsBoard(x, "X---O----");
    await playAll([x, o], [8]);

    // The way back is to the first page, which was kept: its connection was not.
    await x.evaluate("setTimeout(() => history.go(-2)) && undefined");
    await shows(o, "document.querySelector('#status span').textContent === 'X is back.'");
    expect(await headline(x, "Turn of O")).toBe("You are back at your seat.");
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
    expect(await text(x, "#connection span")).toBe("Offline");
    await connection(x, "open");
    expect(await headline(x, "Your turn")).toBe("You are back at your seat.");
    site.callers[1]!.terminate();
    await shows(x, "document.querySelector('#status span').textContent === 'O is back.'");
    await playAll([x, o], [8]);
    await showsBoard(x, "X---O---X");
    await showsBoard(o, "X---O---X");

    await site.stop();
    for (const page of [x, o]) {
      await connection(page, "waiting");
      await shows(page, "!document.querySelector('#connection button').hidden");
      await shows(page, "/^Again in \\d s$/.test(document.querySelector('#connection small').textContent)");
      // What is played now would be lost.
      expect(await page.evaluate("document.querySelectorAll('#board [aria-disabled=false]').length")).toBe(0);
    }
    await site.start();
    await o.evaluate("document.querySelector('#connection button').click()");
    await x.evaluate("document.querySelector('#connection button').click()");
    for (const page of [x, o]) {
      await connection(page, "open");
      await shows(page, "!document.querySelector('#players [data-seat=free]')");
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
    expect(await text(x, "#connection span")).toBe("You play in another window");
    await other.writeMessage({ type: "move", square: 0 });
    await headline(o, "Your turn");
    expect(site.callers).toHaveLength(3);
    await x.evaluate("document.querySelector('#connection button').click()");
    expect(await headline(x, "Turn of O")).toBe("You are back at your seat.");
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

it(
  "X1: the page can be read in both colour schemes and fits a phone; its policy lets nothing in",
  SLOW,
  needs("chromium", async () => {
    const site = await Site.start();
    const [x, o] = await sitDown(site);
    await playAll([x, o], [0, 3, 1, 4, 2]);
    await headline(x, "You win!");
    const grounds = new Set<unknown>();
    for (const scheme of ["light", "dark"]) {
      await x.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
      grounds.add(await x.evaluate("getComputedStyle(document.body).backgroundColor"));
      expect([scheme, await x.evaluate(PALE_TEXTS)]).toEqual([scheme, []]);
    }
    expect(grounds.size).toBe(2);

    for (const [width, height] of [[320, 568], [360, 640], [640, 360], [1_280, 800]]) {
      const metrics = { width, height, deviceScaleFactor: 1, mobile: true };
      await x.call("Emulation.setDeviceMetricsOverride", metrics);
      const fits = await x.evaluate(`(() => {
        const squares = [...document.querySelectorAll("#board button")].map((button) => button.getBoundingClientRect());
        const outside = squares.filter(({ left, top, right, bottom }) =>
          left < 0 || top < 0 || right > ${width} || bottom > ${height});
        const small = squares.filter(({ width, height }) => width < 44 || height < 44 || Math.abs(width - height) > 1);
        return [document.documentElement.scrollWidth, outside.length, small.length];
      })()`);
      expect([width, fits]).toEqual([width, [width, 0, 0]]);
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
