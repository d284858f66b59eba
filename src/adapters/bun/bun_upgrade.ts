/** One upgrade on `Bun.serve` (Bun 1.4): decided above, made with `server.upgrade`, which opens the socket at once. */

import { ConnectionError } from "../../errors.ts";
import { FAILED, type Refusal } from "../../handshake/refusal.ts";
import type { Clock } from "../../transport/clock.ts";
import { TLS13_CIPHERS } from "../../transport/secure_options.ts";
import type { TlsRefusal } from "../../transport/tls.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { Acceptance, Limitations } from "../../transport/upgrade.ts";
import type { Door } from "../native/door.ts";
import { NativeRequest } from "../native/native_request.ts";
import { NativeUpgrade } from "../native/native_upgrade.ts";
import type { Traffic } from "../native/traffic.ts";
import type { BunServer } from "./bun_api.ts";
import { BunSocket } from "./bun_socket.ts";

/** BoringSSL has these for TLS 1.3, and no way to leave one out. */
const BUN_TLS13: readonly string[] = TLS13_CIPHERS.slice(0, 3);

/** Of its `node:tls` as well. */
export const BUN_CIPHERS: TlsRefusal = {
  option: "ciphers",
  applies: (names) => {
    const chosen = Array.isArray(names) ? names.filter((name) => TLS13_CIPHERS.includes(name)).length : 0;
    return chosen > 0 && BUN_TLS13.some((name) => !(names as string[]).includes(name));
  },
  reason: `Bun leaves no choice among the suites of TLS 1.3: list all of ${BUN_TLS13.join(", ")}, or none`,
};

/** What cannot be had of `Bun.serve`. */
export const BUN_LIMITATIONS: Limitations = {
  runtime: "bun",
  options: new Map([
    ["maxFrameSize", "Bun's own sockets do not show or split frames"],
    ["maxFragments", "Bun's own sockets do not show fragments"],
    ["maxPendingPongs", "Bun's own sockets answer pings by themselves"],
    ["maxInflatedBytesPerSecond", "Bun's own sockets do not tell what they inflate"],
    ["messageTimeout", "Bun's own sockets do not show a message before it is whole"],
    ["maxStreamedMessageSize", "Bun's own sockets do not show a message before it is whole"],
  ]),
  compression: new Map(
    [
      "level",
      "serverMaxWindowBits",
      "clientMaxWindowBits",
      "serverNoContextTakeover",
      "clientNoContextTakeover",
      "maxTotalWindows",
    ].map((name) => [name, "Bun's own sockets compress each message by itself, with settings of their own"]),
  ),
  handlers: new Map([
    [
      "onMessageStream",
      '"onMessageStream" would get whole messages only: Bun\'s own sockets do not show one before it is whole',
    ],
  ]),
  secureSocket: [
    { option: "hosts", reason: "Bun's own server is given one certificate here" },
    {
      option: "mutualSsl.verifyClient",
      applies: (value) => value === "optional",
      reason: "Bun's own server does not tell whether there is a certificate, nor whose",
    },
    BUN_CIPHERS,
    { option: "sessionTimeout", reason: "Bun's own server has no such time" },
    { option: "handshakeTimeout", reason: "Bun's own server waits for a handshake for ever" },
  ],
};

export class BunUpgrade extends NativeUpgrade<undefined> {
  readonly #server: BunServer;
  readonly #door: Door<BunServer, undefined>;
  readonly #clock: Clock;
  readonly #traffic: Traffic;

  constructor(request: Request, server: BunServer, door: Door<BunServer, undefined>, clock: Clock, traffic: Traffic) {
    const secure = request.url.startsWith("https:");
    super(request, new NativeRequest(request, server.requestIP(request)?.address, secure), door);
    this.#server = server;
    this.#door = door;
    this.#clock = clock;
    this.#traffic = traffic;
  }

  override accept({ protocol, headers, limits, compression, buffers }: Acceptance): MessageSocket {
    const socket: BunSocket = new BunSocket({
      clock: this.#clock,
      protocol: protocol ?? "",
      limits,
      buffers,
      threshold: compression?.threshold ?? Infinity,
      onClosed: () => this.#traffic.closed(socket),
    });
    let upgraded: boolean;
    const raw = this.take();
    try {
      const added = this.#added(protocol, headers);
      upgraded = this.#server.upgrade(raw, { ...(added && { headers: added }), data: socket });
    } catch (error) {
      this.answerWith(this.#door.refuse(FAILED));
      throw error;
    }
    if (!upgraded) {
      this.answerWith(this.#door.refuse(NOT_UPGRADED));
      throw new ConnectionError("Cannot accept the upgrade: the client has left, or sent more before it was answered");
    }
    this.answerWith(undefined);
    if (!socket.isOpen) {
      // Nobody will ever hear of this connection, and only its own handlers could end it.
      throw new TypeError('Cannot serve the connection: "Bun.serve" was not given the "websocket" of this router');
    }
    this.#traffic.opened(socket);
    return socket;
  }

  /** The headers to add, undefined for none: an upgrade with any costs Bun a fifth more. */
  #added(protocol: string | undefined, headers: Headers | undefined): Headers | undefined {
    // Unless it is told, Bun chooses the first that was offered.
    const tells = protocol !== undefined || this.request.headers.has("sec-websocket-protocol");
    if (!tells && headers === undefined && !this.#door.namesServer) return undefined;
    const added = this.#door.withServer(headers);
    if (tells) added.set("sec-websocket-protocol", protocol ?? "");
    return added;
  }
}

const NOT_UPGRADED: Refusal = { status: 400, headers: [], message: "The connection cannot be upgraded any more" };
