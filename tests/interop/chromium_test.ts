/** Chromium: the `WebSocket` of a browser, and a page that a listener serves beside it. */

import { readFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { converseWith, MEBIBYTE } from "./support/conversation.ts";
import { ChromiumPeer, openPage, startChromium } from "./support/chromium.ts";
import { needs } from "./support/needs.ts";
import { listen } from "./support/ours.ts";

const PAGE = readFileSync(new URL("page.html", import.meta.url), "utf8");

function servePage(html: string): () => Response {
  return () => new Response(html, { headers: { "content-type": "text/html" } });
}

converseWith("chromium", {
  role: "client",
  start: () => new ChromiumPeer(),
  need: "chromium",
  config: { fetch: servePage("<!doctype html>") },
  sendsFragments: false,
  deflate: "writes",
  plainClose: 1005,
});

/** Waits in the page until its log has an item that begins with `start`, and hands out the whole log. */
function logUntil(start: string): string {
  return `new Promise((resolve) => {
    const items = () => [...document.querySelectorAll("#log li")].map((item) => item.textContent);
    const look = () => items().some((item) => item.startsWith(${JSON.stringify(start)})) && resolve(items());
    new MutationObserver(look).observe(document.querySelector("#log"), { childList: true });
    look();
  })`;
}

it(
  "chromium: a page served by the listener connects back to it, and what is clicked there comes back",
  needs("chromium", async () => {
    const closures: unknown[] = [];
    const service = {
      onMessage: (_caller: unknown, message: string | Uint8Array) => message,
      onClose: (_caller: unknown, code: number, reason: string) => void closures.push([code, reason]),
    };
    const { port } = await listen(service, { fetch: servePage(PAGE) });
    const chromium = await startChromium();
    onTestFinished(() => chromium.close());
    const page = await openPage(chromium, `http://127.0.0.1:${port}/`);
    await page.evaluate(logUntil("open"));
    await page.evaluate(`form.text.value = "Grüße, 世界 👋"; form.requestSubmit(); form.requestSubmit()`);
    await page.evaluate("form.binary.click(); form.large.click()");
    await page.evaluate(logUntil(`← ${MEBIBYTE} bytes`));
    await page.evaluate("form.close.click()");
    const log = await page.evaluate<string[]>(logUntil("closed"));
    const [large] = log.filter((line) => line.startsWith(`→ ${MEBIBYTE} bytes, checksum `));
    expect(log.filter((line) => line.startsWith("←"))).toEqual([
      "← “Grüße, 世界 👋”",
      "← “”",
      "← 5 bytes, checksum 25019",
      large!.replace("→", "←"),
    ]);
    expect(log.at(-1)).toBe("closed with 4001 “”, cleanly");
    expect(closures).toEqual([[4001, "the page is done"]]);
  }),
);
