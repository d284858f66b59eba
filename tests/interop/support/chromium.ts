/** Chromium without a window, as playwright drives it. */

import { type Browser, chromium, type Page } from "playwright-core";
import { commandPath } from "../../../scripts/system_packages.ts";
import type { PeerClosure, PeerConnection } from "./peer_process.ts";

/** The suggestions of the address bar: two pages more with each window, which cost several times what a test's own does. */
const SUGGESTIONS = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];
/** Chromium heeds the last list only: what playwright would have switched off, as far as it is about us, is in ours. */
const SWITCHED_OFF_BY_PLAYWRIGHT = [
  "AimEnabled",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "ThirdPartyStoragePartitioning",
];

/** Starts the one of the system. It is gone when we are. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: commandPath("chromium")!,
    args: ["--disable-quic", `--disable-features=${[...SUGGESTIONS, ...SWITCHED_OFF_BY_PLAYWRIGHT].join(",")}`],
    // Pages that are left are kept for the way back, as in anybody's browser.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}

/** Opens a page that shares nothing with the others. Resolves when it is loaded. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ reducedMotion: "reduce", viewport: { width: 800, height: 600 } });
  await page.goto(url);
  return page;
}

/** What peers/parrot.ts says, in a page. A browser has no way to send fragments. */
const PARROT = `new Promise((resolve, reject) => {
  const socket = new WebSocket(location.href.replace("http", "ws"));
  socket.binaryType = "arraybuffer";
  window.ended = new Promise((end) => socket.onclose = ({ code, reason }) => end({ code, reason }));
  socket.onopen = () => resolve(socket.extensions);
  socket.onerror = () => reject(new Error("no connection"));
  socket.onmessage = ({ data }) => {
    const [command, code, ...words] = typeof data === "string" ? data.split(" ") : [];
    if (command !== "!close") socket.send(data);
    else if (code === undefined) socket.close();
    else socket.close(Number(code), words.join(" "));
  };
})`;

/** Chromium as a peer: each connection is one page's, which comes from where the connection goes to. */
export class ChromiumPeer {
  readonly #chromium: Promise<Browser>;
  #page: Promise<Page> | undefined;

  constructor() {
    this.#chromium = startChromium();
    this.#chromium.catch(() => {}); // It is told to whoever uses it.
  }

  tell(url: string): void {
    this.#page = this.#chromium.then((chromium) => openPage(chromium, url.replace("ws", "http")));
    this.#page.catch(() => {}); // It is told by nextConnection.
  }

  async nextConnection(): Promise<PeerConnection> {
    const page = await this.#page!;
    const extensions = await page.evaluate<string>(PARROT);
    const closed = page.evaluate<PeerClosure>("ended");
    closed.catch(() => {}); // A test need not wait for it.
    return { extensions, closed };
  }

  async stop(): Promise<void> {
    await (await this.#chromium).close();
  }
}
