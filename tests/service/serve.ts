/** A service on a fake socket: one session, and all that it tells its surroundings. */

import type { Closure } from "../../src/errors.ts";
import type { Caller } from "../../src/service/caller.ts";
import type { Tally } from "../../src/service/dispatcher.ts";
import { HandlerTables } from "../../src/service/handlers.ts";
import { checkService, type UpgradeServiceOptions } from "../../src/service/options.ts";
import type { Service } from "../../src/service/service.ts";
import { Session } from "../../src/service/session.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { FakeUpgrade } from "../support/fake_upgrade.ts";
import { ManualClock } from "../support/manual_clock.ts";

export interface Served {
  readonly socket: FakeSocket;
  readonly clock: ManualClock;
  readonly session: Session;
  readonly caller: Caller;
  readonly tally: Tally;
  /** What went to the listener: as `report: …` a failure of code, as `notice: …` one of the peer. */
  readonly errors: string[];
  /** How it ended, once every handler has, too. */
  readonly ended: Closure[];
  /** The peer sends these, one after the other. */
  receive(...messages: Message[]): void;
}

/** Opens a session of `service`. */
export function serve(
  service: Service,
  options: UpgradeServiceOptions = {},
  socket: FakeSocket = new FakeSocket(),
): Served {
  const clock = new ManualClock();
  const tally: Tally = { unhandled: 0, dropped: 0, unsent: 0 };
  const errors: string[] = [];
  const ended: Closure[] = [];
  const { pacing, dispatch } = checkService({ pingInterval: 0, ...options });
  const session = new Session(socket, service, new FakeUpgrade("/chat?room=1", { "x-one": "1" }).request, {
    endpointOptions: { ...pacing, clock, deadlines: new Deadlines(clock) },
    fillRandom: (bytes) => bytes.fill(0xab),
    tally,
    errors: {
      report: (error) => errors.push(`report: ${String(error)}`),
      notice: (error) => errors.push(`notice: ${String(error)}`),
    },
    sessions: { closed: () => {}, ended: (_session, closure) => ended.push(closure) },
  }, new HandlerTables(dispatch).of(service));
  session.open();
  const receive = (...messages: Message[]): void => messages.forEach((message) => socket.sink!.message(message));
  return { socket, clock, session, caller: session.caller, tally, errors, ended, receive };
}

/** A promise and its two ends. */
export function deferred<Value = void>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: Value) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<Value>((...ends) => [resolve, reject] = ends);
  return { promise, resolve, reject };
}
