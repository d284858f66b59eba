/**
 * The two ends of ours that a hostile peer may have before it: a listener's and a client's, in the process of the test or
 * in one of their own.
 */

import type { AnyWebSocketError, Closure, Message, Service, UpgradeServiceOptions } from "../../mod.ts";
import { DEFLATE } from "./deflated.ts";
import type { FramePeer } from "./frame_peer.ts";
import { IS_NATIVE } from "./host.ts";
import { deferred, type Sockets, switching } from "./on_sockets.ts";
import type { OwnProcess } from "./own_process.ts";

export type Role = "listener" | "client";

/** Whom a run attacks. The client is hawser's engine on each host: on the native ones it would be the same once more. */
export const ROLES: readonly Role[] = IS_NATIVE ? ["listener"] : ["listener", "client"];

/** What a listener's route and a client both take. */
export type Limits = Pick<
  UpgradeServiceOptions,
  | "maxMessageSize"
  | "maxFrameSize"
  | "maxFragments"
  | "messageTimeout"
  | "maxControlFramesPerSecond"
  | "maxInflatedBytesPerSecond"
  | "closeLinger"
>;

/** How a connection ended for our end. */
export interface Ended {
  readonly code: number;
  readonly error: string | undefined;
}

export interface Victim {
  /** The attacker's end. */
  readonly peer: FramePeer;
  readonly heard: Message[];
  readonly ended: Promise<Ended>;
}

export interface VictimApart {
  readonly peer: FramePeer;
  /** With the sizes of the messages that were heard before. */
  readonly ended: Promise<Ended & { readonly sizes: readonly number[] }>;
}

/** A connection to attack; `deflates`: permessage-deflate is agreed on. */
export type Attackable<Of> = Readonly<Record<Role, (limits?: Limits, deflates?: boolean) => Promise<Of>>>;

const OFFER = "permessage-deflate";

export function victims({ listen, upgraded, clientAndServer }: Sockets): Attackable<Victim> {
  return {
    async listener(limits, deflates = false) {
      const heard: Message[] = [];
      let error: string | undefined;
      const ended = deferred<Ended>();
      const service: Service = {
        onMessage: (_caller, message) => void heard.push(message),
        onError: (_caller, failure) => void (error = (failure as AnyWebSocketError).code),
        onClose: (_caller, code) => ended.resolve({ code, error }),
      };
      const { port } = await listen(service, limits);
      const peer = await upgraded(port, "/", deflates ? { [DEFLATE]: OFFER } : {});
      return { peer, heard, ended: ended.promise };
    },
    async client(limits, deflates = false) {
      const { client, peer } = await clientAndServer(limits, deflates ? `${DEFLATE}: ${OFFER}\r\n` : "");
      const heard: Message[] = [];
      const reading = (async () => {
        for await (const message of client) heard.push(message);
      })().catch(() => {});
      const ended = client.closed.then(async (closure: Closure) => {
        await reading;
        return { code: closure.code, error: closure.error?.code };
      });
      return { peer, heard, ended };
    },
  };
}

/** The same in the process of `own`. */
export function victimsApart({ upgraded, server }: Sockets, own: OwnProcess): Attackable<VictimApart> {
  const ended = (victim: number): VictimApart["ended"] => {
    const end = own.ended(victim).then(({ codes, errors, sizes }) => ({ code: codes[0]!, error: errors[0], sizes }));
    // A test that fails before leaves it behind.
    end.catch(() => {});
    return end;
  };
  return {
    async listener(limits, deflates = false) {
      const { port } = await own.listen(limits);
      const peer = await upgraded(port, "/", deflates ? { [DEFLATE]: OFFER } : {});
      return { peer, ended: ended(port) };
    },
    async client(limits, deflates = false) {
      const answered = deferred<FramePeer>();
      const url = await server(async (peer, request) => {
        await peer.raw.write(switching(request, deflates ? `${DEFLATE}: ${OFFER}\r\n` : ""));
        answered.resolve(peer);
      });
      const client = await own.connect(url, limits);
      return { peer: await answered.promise, ended: ended(client) };
    },
  };
}
