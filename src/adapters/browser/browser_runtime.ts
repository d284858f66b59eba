/** What a page gives a client, and what it does not. */

import type { ClientRuntime } from "../../client/connector.ts";
import { Deadlines } from "../../transport/deadlines.ts";
import { browserClock } from "./browser_clock.ts";
import { checkCode, type FindWebSocket, webConnect } from "./web_connect.ts";

const NAME = "browser";
const NO_HEADERS = "a page cannot add headers to the handshake";
const NO_PINGS = "a page sees no pings and cannot send them";
const NO_FRAMES = "a page sees no frames";
const OWN_COMPRESSION = "the browser decides by itself what it compresses";

const find: FindWebSocket = () => (globalThis as { WebSocket?: ReturnType<FindWebSocket> }).WebSocket;

export const browserRuntime: ClientRuntime = {
  name: NAME,
  clock: browserClock,
  deadlines: new Deadlines(browserClock),
  fillRandom: (bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
  connect: webConnect(find, browserClock, NAME),
  limitations: {
    runtime: NAME,
    options: new Map([
      ["customHeaders", NO_HEADERS],
      ["origin", "the browser says by itself of which origin a page is"],
      ["pingPongHandler", NO_PINGS],
      ["pingInterval", NO_PINGS],
      ["pongTimeout", NO_PINGS],
      ["maxPendingPongs", NO_PINGS],
      ["maxControlFramesPerSecond", NO_PINGS],
      ["maxFrameSize", NO_FRAMES],
      ["maxFragments", NO_FRAMES],
      ["messageTimeout", NO_FRAMES],
      ["maxInflatedBytesPerSecond", OWN_COMPRESSION],
      ["webSocketCompressionEnabled", OWN_COMPRESSION],
    ]),
    compression: new Map([["compress", OWN_COMPRESSION]]),
  },
  checkCode,
  // To the page's `error` event, as an exception that nobody caught.
  report: (error) => reportError(error),
};
