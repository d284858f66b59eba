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
  /** Connections that were cut, and those whose handlers had not ended in time. */
  readonly cut: number;
}

/** So many close frames leave in one turn of the event loop, so that thousands do not hold up the rest. */
const CLOSED_PER_TURN = 64;

/** A graceful stop that is under way. */
interface Stopping {
  closed: number;
  cut: number;
  isLate: boolean;
}

export class SessionSet implements SessionList {
  readonly #clock: Clock;
  readonly #onClosed: (session: Session) => void;
  readonly #open = new Set<Session>();
  /** Those whose connection is gone, and whose handlers are still running. */
  readonly #unfinished = new Set<Session>();
  /** Those that a stop has given up on, and whose connection is still open. */
  readonly #givenUp = new Set<Session>();
  #changed: (() => void)[] = [];
  #stopping: Stopping | undefined;

  /** @param onClosed hears of each session whose connection is gone */
  constructor(clock: Clock, onClosed: (session: Session) => void = () => {}) {
    this.#clock = clock;
    this.#onClosed = onClosed;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  add(session: Session): void {
    this.#open.add(session);
  }

  /** The connection of `session` is gone. */
  closed(session: Session): void {
    this.#open.delete(session);
    if (!this.#givenUp.delete(session)) this.#unfinished.add(session);
    this.#onClosed(session);
    this.#change();
  }

  /** And its handlers have ended. */
  ended(session: Session, closure: Closure): void {
    if (!this.#unfinished.delete(session)) return;
    if (this.#stopping !== undefined) this.#stopping[wasClosed(closure) ? "closed" : "cut"]++;
    this.#change();
  }

  /** Closes all, waits no longer than `timeoutMs` for their answers and handlers, then cuts what is left. */
  async closeAll(code: number, reason: string, timeoutMs: number): Promise<StopResult> {
    const stopping: Stopping = this.#stopping = { closed: 0, cut: 0, isLate: false };
    const waiting = [...this.#open];
    const close = (count: number): void => {
      for (const session of waiting.splice(-count)) void session.close(code, reason);
    };
    const closeSome = (): void => {
      if (stopping.isLate) return;
      close(CLOSED_PER_TURN);
      if (waiting.length > 0) this.#clock.nextTurn(closeSome);
    };
    const cancel = timeoutMs === Infinity ? undefined : this.#clock.after(timeoutMs, () => {
      // Those whose turn had not come are told why, too; and a turn later that has left.
      if (waiting.length > 0) close(waiting.length);
      this.#clock.nextTurn(() => {
        if (this.#stopping === stopping) void this.terminateAll();
      });
    });
    closeSome();
    await this.#until(() => stopping.isLate || this.#open.size + this.#unfinished.size === 0);
    cancel?.();
    if (this.#stopping === stopping) this.#stopping = undefined;
    await this.#until(() => this.#open.size === 0);
    return { closed: stopping.closed, cut: stopping.cut };
  }

  /**
   * Cuts all, and gives up on their handlers, which may go on; so ends a `closeAll` that is under way. Resolves when the
   * connections are gone.
   */
  async terminateAll(): Promise<void> {
    const stopping = this.#stopping;
    this.#stopping = undefined;
    if (stopping !== undefined) {
      stopping.isLate = true;
      stopping.cut += this.#open.size - this.#givenUp.size + this.#unfinished.size;
    }
    const open = [...this.#open];
    for (const session of open) this.#givenUp.add(session);
    for (const session of [...open, ...this.#unfinished]) session.giveUp();
    this.#unfinished.clear();
    for (const session of open) session.terminate();
    this.#change();
    await this.#until(() => this.#open.size === 0);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #change(): void {
    if (this.#changed.length === 0) return;
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }
}

/** By close frames each way, or, where the runtime ends the connection with ours, by that. */
function wasClosed({ clean, code, error }: Closure): boolean {
  return clean || (code !== ABNORMAL && error === undefined);
}
