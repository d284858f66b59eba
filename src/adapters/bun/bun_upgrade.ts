/** One upgrade on `Bun.serve` (Bun 1.4): decided above, made with `server.upgrade`, which opens the socket at once. */

import { ConnectionError } from "../../errors.ts";
import { FAILED, type Refusal } from "../../handshake/refusal.ts";
import type { Clock } from "../../transport/clock.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { Acceptance, Limitations, Upgrade } from "../../transport/upgrade.ts";
import type { Door } from "../native/door.ts";
import { NativeRequest } from "../native/native_request.ts";
import type { Traffic } from "../native/traffic.ts";
import type { BunServer } from "./bun_api.ts";
import { BunSocket } from "./bun_socket.ts";

/** What cannot be had of `Bun.serve`. */
export const BUN_LIMITATIONS: Limitations = {
  runtime: "bun",
  options: new Map([
    ["maxFrameSize", "Bun's own sockets do not show or split frames"],
    ["maxFragments", "Bun's own sockets do not show fragments"],
    ["maxPendingPongs", "Bun's own sockets answer pings by themselves"],
    ["maxInflatedBytesPerSecond", "Bun's own sockets do not tell what they inflate"],
    ["messageTimeout", "Bun's own sockets do not show a message before it is whole"],
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
};

export class BunUpgrade implements Upgrade {
  readonly request: NativeRequest;
  /** What the handler has to return: undefined once it is upgraded. */
  readonly answer: Promise<Response | undefined>;
  #answer!: (response: Response | undefined) => void;
  #raw: Request | undefined;
  readonly #server: BunServer;
  readonly #door: Door<BunServer, undefined>;
  readonly #clock: Clock;
  readonly #traffic: Traffic;

  constructor(request: Request, server: BunServer, door: Door<BunServer, undefined>, clock: Clock, traffic: Traffic) {
    this.request = new NativeRequest(request, server.requestIP(request)?.address, request.url.startsWith("https:"));
    this.#raw = request;
    this.#server = server;
    this.#door = door;
    this.#clock = clock;
    this.#traffic = traffic;
    this.answer = new Promise((resolve) => this.#answer = resolve);
  }

  // deno-lint-ignore require-await -- so that what fails rejects
  async accept({ protocol, headers, limits, compression }: Acceptance): Promise<MessageSocket> {
    const socket: BunSocket = new BunSocket({
      clock: this.#clock,
      protocol: protocol ?? "",
      limits,
      threshold: compression?.threshold ?? Infinity,
      onClosed: () => this.#traffic.closed(socket),
    });
    let upgraded: boolean;
    const raw = this.#take();
    try {
      const added = this.#door.withServer(headers);
      // Without it Bun would choose the first that was offered.
      added.set("sec-websocket-protocol", protocol ?? "");
      upgraded = this.#server.upgrade(raw, { headers: added, data: socket });
    } catch (error) {
      this.#answer(this.#door.refuse(FAILED));
      throw error;
    }
    if (!upgraded) {
      this.#answer(this.#door.refuse(NOT_UPGRADED));
      throw new ConnectionError("Cannot accept the upgrade: the client has left, or sent more before it was answered");
    }
    this.#answer(undefined);
    if (!socket.isOpen) {
      // Nobody will ever hear of this connection, and only its own handlers could end it.
      throw new TypeError('Cannot serve the connection: "Bun.serve" was not given the "websocket" of this router');
    }
    this.#traffic.opened(socket);
    return socket;
  }

  // deno-lint-ignore require-await -- so that what fails rejects
  async reject(response: Response): Promise<void> {
    this.#take();
    let answer = this.#door.refuse(FAILED);
    try {
      answer = this.#door.named(response);
    } finally {
      this.#answer(answer);
    }
  }

  /** Decided: the runtime's request is not kept. */
  #take(): Request {
    const raw = this.#raw!;
    this.#raw = undefined;
    this.request.decided();
    return raw;
  }
}

const NOT_UPGRADED: Refusal = { status: 400, headers: [], message: "The connection cannot be upgraded any more" };
