/**
 * A process that is attacked, so that its memory and its delays are its own: makes listeners and clients as it is told by
 * the test, whose `OwnProcess` speaks to it in JSON, and says how each of their connections ended.
 */

import process from "node:process";
import {
  type AnyWebSocketError,
  Client,
  type ClientConfiguration,
  Listener,
  type ListenerConfiguration,
  type Service,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { usageNow } from "./usage.ts";

/** What it is told. */
export type Order =
  | { readonly listen: { readonly options?: UpgradeServiceOptions; readonly config?: ListenerConfiguration } }
  | { readonly connect: { readonly url: string; readonly config?: ClientConfiguration } }
  | { readonly ended: number }
  | { readonly usage: true };

/** What an end of ours heard until its connection had ended. */
export interface Heard {
  /** The sizes of the messages, in bytes or UTF-16 code units. */
  readonly sizes: readonly number[];
  readonly errors: readonly string[];
  /** The status codes of the connections that have ended: one, unless a listener had more. */
  readonly codes: readonly number[];
}

const host = process.env["HAWSER_HOST"] === "native" ? { native: "127.0.0.1" } : "127.0.0.1";
/** By the numbers they are known by: a listener's port, or the number of a client below zero. */
const victims = new Map<number, Victim>();

class Victim {
  readonly sizes: number[] = [];
  readonly errors: string[] = [];
  readonly codes: number[] = [];
  readonly #waiting: (() => void)[] = [];

  /** Resolves when a connection has ended. */
  async ended(): Promise<Heard> {
    if (this.codes.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const { sizes, errors, codes } = this;
    return { sizes, errors, codes };
  }

  hears(code: number): void {
    this.codes.push(code);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

async function listen(options: UpgradeServiceOptions = {}, config: ListenerConfiguration = {}): Promise<number> {
  const victim = new Victim();
  const service: Service = {
    onMessage(_caller, message) {
      victim.sizes.push(message.length);
      return message;
    },
    onError: (_caller, error) => void victim.errors.push((error as AnyWebSocketError).code),
    onClose: (_caller, code) => victim.hears(code),
  };
  const listener = new Listener(0, { host, ...config });
  listener.attach("/", { ...options, get: () => service });
  await listener.start();
  victims.set(listener.port, victim);
  return listener.port;
}

async function connect(url: string, config?: ClientConfiguration): Promise<number> {
  const victim = new Victim();
  const client = await Client.connect(url, config);
  const id = -1 - victims.size;
  victims.set(id, victim);
  void (async () => {
    try {
      for await (const { length } of client) victim.sizes.push(length);
    } catch {
      // How it ended is known below.
    }
    const { code, error } = await client.closed;
    if (error !== undefined) victim.errors.push((error as AnyWebSocketError).code);
    victim.hears(code);
  })();
  return id;
}

async function obey(order: Order): Promise<unknown> {
  if ("listen" in order) return await listen(order.listen.options, order.listen.config);
  if ("connect" in order) return await connect(order.connect.url, order.connect.config);
  if ("ended" in order) return await victims.get(order.ended)!.ended();
  return usageNow();
}

const orders = new Listener(0, { host });
orders.attach("/", {
  // The test's end reads answers and nothing else.
  pingInterval: 0,
  get: () => ({
    async onTextMessage(_caller, text) {
      return JSON.stringify(await obey(JSON.parse(text) as Order));
    },
  }),
});
await orders.start();
console.log(`Listening on ${orders.url}`);
