/** Binds `Client` and `Listener` to what this runtime gives. The one place to change when a runtime's default does. */

import { Client as AnyClient, type ClientConfiguration } from "../client/client.ts";
import { clientRuntime } from "../client/connect.ts";
import type { ClientRuntime } from "../client/connector.ts";
import { Listener as AnyListener } from "../service/listener.ts";
import type { ListenerConfiguration } from "../service/options.ts";
import type { Runtime } from "../transport/runtime.ts";
import { bunRuntime } from "./bun/bun_runtime.ts";
import { denoRuntime } from "./deno/deno_runtime.ts";
import { nodeRuntime } from "./node/node_runtime.ts";

const runtime: Runtime = "Deno" in globalThis ? denoRuntime : "Bun" in globalThis ? bunRuntime : nodeRuntime;
const overPipes: ClientRuntime = clientRuntime(runtime);

/**
 * A WebSocket client (RFC 6455): an async iterator of messages, a pair of WHATWG streams, and methods to read and write.
 *
 * @example
 * ```ts
 * import { Client, Listener } from "hawser";
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/echo`);
 * await client.writeTextMessage("hello");
 * for await (const message of client) {
 *   console.log(message); // hello
 *   break; // closes the connection with 1000
 * }
 * await listener.gracefulStop();
 * ```
 * @category Client
 */
export class Client extends AnyClient {
  /**
   * Connects to `url`: `ws:`, `wss:`, `http:`, `https:`, or `ws+unix:/path/to.sock:/request/path`. Resolves when the
   * connection is open.
   *
   * @throws {TypeError} as a rejection, when the URL or an option cannot be used; the message names it
   * @throws {RangeError} as a rejection, when a number is out of range
   * @throws {ConnectionError} as a rejection, like all below when the connection cannot be opened: the network failed
   * @throws {InvalidHandshakeError} the server refused, or its answer is no valid one (RFC 6455 §4.1)
   * @throws {HandshakeTimedOutError} it took longer than `handshakeTimeout`
   * @throws {ProxyError} the proxy opened no tunnel
   * @throws {SslError} the TLS handshake failed
   * @example
   * ```ts
   * import { Client, Listener } from "hawser";
   *
   * const listener = new Listener(0, { host: "127.0.0.1" });
   * listener.attach("/chat", { subProtocols: ["chat.v1"], get: () => ({ onOpen: () => "welcome" }) });
   * await listener.start();
   *
   * const client = await Client.connect(`${listener.url}/chat`, { subProtocols: ["chat.v1"], handshakeTimeout: 5 });
   * console.log(client.getNegotiatedSubProtocol()); // chat.v1
   * console.log(await client.readTextMessage()); // welcome
   * await client.close();
   * await listener.gracefulStop();
   * ```
   */
  static async connect(url: string | URL, config?: ClientConfiguration): Promise<Client> {
    const client = new Client(url, config);
    await client.opened;
    return client;
  }

  /**
   * Starts to connect to `url`, as `Client.connect` does; `opened` tells when it is done.
   *
   * @throws {TypeError} when the URL or an option cannot be used; the message names it
   * @throws {RangeError} when a number is out of range
   */
  constructor(url: string | URL, config?: ClientConfiguration) {
    super(overPipes, url, config);
  }
}

/**
 * Accepts WebSockets (RFC 6455 §4.2) on a port of its own, or on a `node:http` or `node:https` server that exists already.
 *
 * @example
 * ```ts
 * import { Client, Listener } from "hawser";
 *
 * const listener = new Listener(0, { host: "127.0.0.1" }); // 0: a free port
 * listener.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/echo`);
 * await client.writeTextMessage("hello");
 * console.log(await client.readTextMessage()); // hello
 * console.log(listener.stats().open); // 1
 * await client.close();
 * await listener.gracefulStop({ timeout: 5 }); // seconds
 * ```
 * @category Listener
 */
export class Listener extends AnyListener {
  /**
   * Binds nothing yet: `start` does.
   *
   * @param target a port (0: a free one), or an `http.Server` or `https.Server`, whose own listening and closing stay its
   *   owner's
   * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
   * @throws {RangeError} for a port or an option that is out of range
   * @throws {UnsupportedError} for a native host where there is none, and for an option that it cannot keep
   */
  constructor(target: number | { on(...args: never[]): unknown }, config?: ListenerConfiguration) {
    super(runtime, target, config);
  }
}
