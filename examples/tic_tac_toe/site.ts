/** The files of the page, and the headers that keep everything else out of it. */

import { readFileSync } from "node:fs";

const TYPES = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml" };

/** Nothing that is not from here, nothing inline, no frame around it. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-cache",
};

/** By path: there is no other. Read once, when the program starts. */
const FILES = new Map([
  file("/", "index.html", TYPES.html),
  file("/style.css", "style.css", TYPES.css),
  file("/game.js", "game.js", TYPES.js),
  file("/connection.js", "connection.js", TYPES.js),
  file("/icon.svg", "icon.svg", TYPES.svg),
]);

interface File {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

function file(path: string, name: string, type: string): [path: string, file: File] {
  const content = new Uint8Array(readFileSync(new URL(`page/${name}`, import.meta.url)));
  return [path, { content, type: `${type};charset=utf-8` }];
}

/** Answers a request for the page. */
export function fetchPage(request: Request): Response {
  const found = FILES.get(new URL(request.url).pathname);
  if (found === undefined) return new Response("Not found\n", { status: 404, headers: HEADERS });
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Only to be read\n", { status: 405, headers: { ...HEADERS, allow: "GET, HEAD" } });
  }
  const body = request.method === "HEAD" ? null : found.content;
  return new Response(body, { headers: { ...HEADERS, "content-type": found.type } });
}
