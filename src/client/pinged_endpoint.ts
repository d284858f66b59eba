/** The endpoint of a client that sees pings: its user's handler may answer them. Knows no byte. */

import { Endpoint, type EndpointOptions, type EndpointReader } from "../streams/endpoint.ts";
import type { MessageSocket } from "../transport/message_socket.ts";
import type { Pinged } from "./connector.ts";
import { ControlHandlers } from "./control_handlers.ts";
import type { PingPongHandler } from "./options.ts";

/** What it takes besides the socket. */
export interface PingedOptions<Client> {
  readonly client: Client;
  readonly handler: PingPongHandler<Client>;
  /** Told when the handler fails. */
  readonly report: (error: unknown) => void;
  readonly endpoint: EndpointOptions;
}

/** @param reader without `ping` and `pong`, which the handler gets */
export function pingedEndpoint<Client extends Pinged>(
  socket: MessageSocket,
  reader: EndpointReader,
  { client, handler, report, endpoint }: PingedOptions<Client>,
): Endpoint {
  const handlers = new ControlHandlers(report);
  const pinged: Endpoint = new Endpoint(socket, {
    ...reader,
    ...(handler.onPing && {
      ping: (payload) =>
        handlers.ping(
          () => handler.onPing?.(client, payload.slice()),
          // Of this connection only: a client may have another one by now.
          (reply) => pinged.state === "open" && client.pong(reply),
        ),
    }),
    ...(handler.onPong && {
      pong: (payload) => handlers.call(() => handler.onPong?.(client, payload.slice())),
    }),
  }, endpoint);
  return pinged;
}
