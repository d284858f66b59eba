/** An endpoint with an inbox on a fake socket and a manual clock: what everything that reads is tested on. */

import { Endpoint, type EndpointOptions } from "../../src/streams/endpoint.ts";
import { Inbox } from "../../src/streams/inbox.ts";
import { endpointOptions } from "./endpoint_options.ts";
import { FakeSocket } from "./fake_socket.ts";
import { ManualClock } from "./manual_clock.ts";

export interface OpenInbox {
  readonly clock: ManualClock;
  readonly socket: FakeSocket;
  readonly endpoint: Endpoint;
  readonly inbox: Inbox;
}

export function openInbox(options: Partial<EndpointOptions> = {}): OpenInbox {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const endpoint: Endpoint = new Endpoint(
    socket,
    { message: (message) => inbox.message(message), closed: () => inbox.closed() },
    endpointOptions(clock, options),
  );
  const inbox = new Inbox(endpoint);
  endpoint.start();
  return { clock, socket, endpoint, inbox };
}
