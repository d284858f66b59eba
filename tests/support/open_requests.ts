/** Requests over an endpoint on a fake socket and a manual clock, put together as a client does it. */

import { checkRequests } from "../../src/client/request_options.ts";
import { Requests } from "../../src/client/requests.ts";
import { Endpoint, type EndpointOptions } from "../../src/streams/endpoint.ts";
import { Inbox } from "../../src/streams/inbox.ts";
import { unheard } from "../../src/streams/unheard.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { endpointOptions } from "./endpoint_options.ts";
import { FakeSocket } from "./fake_socket.ts";
import { ManualClock } from "./manual_clock.ts";

export interface OpenRequests {
  readonly clock: ManualClock;
  readonly socket: FakeSocket;
  readonly endpoint: Endpoint;
  readonly inbox: Inbox;
  readonly requests: Requests;
  /** What was sent since the last call, parsed. */
  sent(): unknown[];
  /** A message comes: text and bytes as they are, anything else as JSON. */
  receive(...messages: unknown[]): void;
}

/** The names that the options have here. */
export const WORDS = {
  dispatcherStreamId: "id",
  dispatcherKey: "type",
  dispatcherComplete: "complete",
  dispatcherCancel: "cancel",
  dispatcherError: "error",
} as const;

export function openRequests(
  config: Record<string, unknown> = WORDS,
  options: Partial<EndpointOptions> = {},
): OpenRequests {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const endpoint: Endpoint = new Endpoint(
    socket,
    {
      message: (message) => requests.take(message, endpoint) || inbox.message(message),
      closed: () => {
        inbox.closed();
        requests.ended(endpoint.closedError("Cannot get a reply"));
      },
    },
    endpointOptions(clock, options),
  );
  const inbox = new Inbox(endpoint);
  const requests = new Requests(checkRequests(config), clock, (text) => {
    try {
      return endpoint.send(text);
    } catch (error) {
      return unheard(Promise.reject(error));
    }
  });
  endpoint.start();
  return {
    clock,
    socket,
    endpoint,
    inbox,
    requests,
    sent: () => socket.sent.splice(0).map((text) => JSON.parse(text as string)),
    receive: (...messages) => messages.forEach((message) => socket.sink!.message(toMessage(message))),
  };
}

function toMessage(message: unknown): Message {
  return typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message);
}
