/** Taxis and who waits for one: riders hear where every driver is. `PORT` chooses the port, 9091 by default. */

import { bind, broadcast, type Caller, type CloseFrame, closeFrame, type Service, UpgradeError } from "../../mod.ts";
import { checkName } from "../support/check_name.ts";
import { listenerOn, runListener } from "../support/run_listener.ts";
import { formatLocation, Location } from "./location.ts";

/** How many may be connected at once, of either kind. */
const MOST_DRIVERS = 200;
const MOST_RIDERS = 1_000;

const drivers = new Map<string, Driver>();
const riders = new Set<Caller>();

/** A rider who takes nothing for a while misses some: what he hears next is newer anyway. */
function tellRiders(text: string): void {
  broadcast(riders, text, { policy: "drop" });
}

/** The service of one driver. */
class Driver implements Service {
  readonly #key: string;
  readonly #name: string;
  /** What a rider has to know of him. */
  news: string;

  constructor(key: string, name: string) {
    this.#key = key;
    this.#name = name;
    this.news = `Driver ${name} ready for a ride`;
  }

  onOpen(): CloseFrame | string {
    // Two with one name may have been let in at once.
    if (drivers.has(this.#key)) return closeFrame(1008, takenText(this.#name));
    drivers.set(this.#key, this);
    tellRiders(this.news);
    return `Hi ${this.#name}! Your location will be shared with the riders`;
  }

  /** Anything else closes the connection with 1003. */
  readonly onMessage = bind(Location, (_caller, location) => {
    this.news = `${this.#name} updated the location ${formatLocation(location)}`;
    tellRiders(this.news);
  });

  onClose(): void {
    if (drivers.get(this.#key) !== this) return;
    drivers.delete(this.#key);
    tellRiders(`${this.#name} got disconnected`);
  }
}

/** The service of one rider, who says nothing. */
class Rider implements Service {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  onOpen(caller: Caller): void {
    broadcast([caller], `Hi ${this.#name}! You have successfully connected.`);
    // He is told at once what the others have heard before, so that nothing newer comes in between.
    for (const { news } of drivers.values()) broadcast([caller], news);
    riders.add(caller);
  }

  onClose(caller: Caller): void {
    riders.delete(caller);
  }
}

function takenText(name: string): string {
  return `Somebody called ${name} drives already`;
}

/** Who left without a word is missed within their sum, in seconds. */
const ALIVE = { pingInterval: 10, pongTimeout: 5 };

const listener = listenerOn(9091);
listener.attach("/taxi/:name", {
  ...ALIVE,
  maxMessageSize: 1_024,
  get(_request, { params: { name } }) {
    const key = checkName(name);
    if (drivers.has(key)) return new UpgradeError(409, takenText(name));
    if (drivers.size >= MOST_DRIVERS) return new UpgradeError(503, "There are enough drivers");
    return new Driver(key, name);
  },
});
listener.attach("/subscribe/:name", {
  ...ALIVE,
  maxMessageSize: 1_024,
  maxBufferedAmount: 65_536,
  get(_request, { params: { name } }) {
    checkName(name);
    return riders.size < MOST_RIDERS ? new Rider(name) : new UpgradeError(503, "There are enough riders");
  },
});
await runListener(listener);
console.log(`Drivers on ${listener.url}/taxi/<name>, riders on ${listener.url}/subscribe/<name>`);
