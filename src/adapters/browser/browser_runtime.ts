/** What a page gives a client. */

import type { ClientRuntime } from "../../client/connector.ts";
import { parseUrl, webSocketUrl } from "../../client/target.ts";
import { UnsupportedError } from "../../errors.ts";
import { PlainEndpoint } from "../../streams/plain_endpoint.ts";
import { Deadlines } from "../../transport/deadlines.ts";
import { browserClock } from "./browser_clock.ts";
import { checkCode, checkPage, checkPageWrite, NAME } from "./page_options.ts";
import { type FindWebSocket, webConnect } from "./web_connect.ts";

const find: FindWebSocket = () => (globalThis as { WebSocket?: ReturnType<FindWebSocket> }).WebSocket;
const clock = browserClock;
const deadlines = new Deadlines(clock);
const connect = webConnect(find, clock);

export const browserRuntime: ClientRuntime = {
  name: NAME,
  clock,
  fillRandom: (bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
  plan(url, config) {
    const { href, protocol } = parseUrl(url);
    if (protocol === "ws+unix:") {
      throw new UnsupportedError("Cannot connect: a page cannot reach a Unix socket", protocol, NAME);
    }
    const request = webSocketUrl(new URL(href));
    const settings = checkPage(config);
    return {
      href,
      secure: request.protocol === "wss:",
      settings,
      connect: (signal) => connect(request.href, settings, signal),
      endpoint: (_client, socket, reader, more) =>
        new PlainEndpoint(socket, reader, { ...settings.pacing, clock, deadlines, ...more }),
    };
  },
  checkWrite: checkPageWrite,
  checkCode,
  // To the page's `error` event, as an exception that nobody caught; a place that is no page may have none.
  report: (error) => "reportError" in globalThis ? reportError(error) : console.error(error),
};
