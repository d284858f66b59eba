/**
 * One endpoint of an open WebSocket that has pings, for a client and a server's caller alike: notices a dead peer
 * (features P2), and sends its user's pings and pongs (P1). Knows no frame, no handler and no runtime.
 */

import { ConnectionError, UnsupportedError } from "../errors.ts";
import type { MessageSocket } from "../transport/message_socket.ts";
import { KeepAlive, type KeepAliveOptions } from "./keep_alive.ts";
import type { EndpointReader } from "./message_endpoint.ts";
import { PlainEndpoint } from "./plain_endpoint.ts";
import type { PlainEndpointOptions } from "./plain_endpoint_options.ts";

export type { EndpointReader } from "./message_endpoint.ts";
export type { BufferPolicy } from "./plain_endpoint_options.ts";

/** How an endpoint paces and ends. Validated already; Infinity switches a time off. */
export interface EndpointOptions extends PlainEndpointOptions, KeepAliveOptions {}

/** The most a ping or pong may carry (RFC 6455 §5.5). */
const MAX_CONTROL_PAYLOAD = 125;

export class Endpoint extends PlainEndpoint {
  readonly #socket: MessageSocket;
  readonly #maxBufferedAmount: number;

  constructor(socket: MessageSocket, reader: EndpointReader, options: EndpointOptions) {
    super(socket, reader, options, new KeepAlive(socket, options));
    this.#socket = socket;
    this.#maxBufferedAmount = options.maxBufferedAmount;
  }

  /**
   * @throws {RangeError} when `payload` is longer than 125 bytes
   * @throws {UnsupportedError} where the runtime has no ping
   * @throws {ConnectionClosureError} when the connection is closing or closed
   * @throws {ConnectionError} when more than `maxBufferedAmount` waits for the peer already
   */
  override sendPing(payload: Uint8Array): void {
    this.#checkControl("ping", payload);
    this.#socket.ping!(payload);
  }

  /** @throws as `sendPing` does */
  override sendPong(payload: Uint8Array): void {
    this.#checkControl("pong", payload);
    this.#socket.pong!(payload);
  }

  #checkControl(what: "ping" | "pong", payload: Uint8Array): void {
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(`Cannot send a ${what} of ${payload.length} bytes: ${MAX_CONTROL_PAYLOAD} is the most`);
    }
    if (this.#socket[what] === undefined) {
      throw new UnsupportedError(`Cannot send a ${what}: this runtime has no ${what}`, what, "native");
    }
    if (this.state !== "open") throw this.closedError(`Cannot send a ${what}`);
    if (this.bufferedAmount > this.#maxBufferedAmount) {
      throw new ConnectionError(`Cannot send a ${what}: ${this.bufferedAmount} bytes wait for the peer already`);
    }
  }
}
