/**
 * The open sessions of one listener, and how all of them end (features L6): closed a few at a time, waited for up to a
 * deadline, then cut. Knows no port.
 */

import { ABNORMAL } from "../close_code.ts";
import type { Closure } from "../errors.ts";
import type { Clock } from "../transport/clock.ts";
import type { Session, SessionList } from "./session.ts";

/** How a listener's connections ended when it stopped. */
export interface StopResult {
  /**
   * Connections with a close frame each way, and handlers that had ended in time. On Bun's own sockets, which end with our
   * close frame and do not wait for the answer, those with ours.
   */
  readonly closed: number;
  /** All others. */
  readonly cut: number;
}

/** So many close frames leave in one turn of the event loop, so that thousands do not hold up the rest. */
const CLOSED_PER_TURN = 64;

export class SessionSet implements SessionList {
  readonly #clock: Clock;
  readonly #open = new Set<Session>();
  /** Sessions whose connection is open, or whose handlers are still running. */
  #unfinished = 0;
  #changed: (() => void)[] = [];
  #stopping: { closed: number; cut: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  add(session: Session): void {
    this.#open.add(session);
    this.#unfinished++;
  }

  /** The connection of `session` is gone. */
  closed(session: Session): void {
    this.#open.delete(session);
    this.#change();
  }

  /** And its handlers have ended. */
  ended(closure: Closure): void {
    this.#unfinished--;
    if (this.#stopping !== undefined) this.#stopping[wasClosed(closure) ? "closed" : "cut"]++;
    this.#change();
  }

  /** Closes all, waits no longer than `timeoutMs` for their answers and handlers, then cuts what is left. */
  async closeAll(code: number, reason: string, timeoutMs: number): Promise<StopResult> {
    const result = this.#stopping = { closed: 0, cut: 0 };
    let late = false;
    const cancel = timeoutMs === Infinity ? undefined : this.#clock.after(timeoutMs, () => {
      late = true;
      this.#change();
    });
    const waiting = [...this.#open];
    const closeSome = (): void => {
      for (const session of waiting.splice(-CLOSED_PER_TURN)) void session.close(code, reason);
      if (waiting.length > 0) this.#clock.nextTurn(closeSome);
    };
    closeSome();
    await this.#until(() => late || this.#unfinished === 0);
    cancel?.();
    this.#stopping = undefined;
    result.cut += this.#unfinished;
    await this.terminateAll();
    return result;
  }

  /** Cuts all; resolves when their connections are gone. Handlers may go on. */
  async terminateAll(): Promise<void> {
    for (const session of this.#open) session.terminate();
    await this.#until(() => this.#open.size === 0);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #change(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }
}

/** By close frames each way, or, where the runtime ends the connection with ours, by that. */
function wasClosed({ clean, code, error }: Closure): boolean {
  return clean || (code !== ABNORMAL && error === undefined);
}
