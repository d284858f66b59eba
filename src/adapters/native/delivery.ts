/**
 * What a runtime's own socket tells, on its way to a sink: kept until the sink is there and while it pauses, in order, and
 * never told from inside a call to the socket. Knows no runtime.
 */

import type { Closure } from "../../errors.ts";
import type { BufferBudget, Share } from "../../transport/buffer_budget.ts";
import type { Clock } from "../../transport/clock.ts";
import type { Message, MessageSink } from "../../transport/message_socket.ts";

/** A ping or pong that waits among messages. */
interface Control {
  readonly kind: "ping" | "pong";
  readonly payload: Uint8Array;
}

/** What keeping one thing costs beside its content, in bytes: a peer may send a million that have none. */
const OVERHEAD = 128;

export class Delivery {
  /** About what is kept takes: bytes and characters, and something for each. */
  size = 0;
  readonly #clock: Pick<Clock, "afterTurn">;
  readonly #share: Share | undefined;
  #sink: MessageSink | undefined;
  /** What waits, the oldest at `#next`: as much as the runtime had read when it was told to pause. */
  #held: (Message | Control)[] = [];
  #next = 0;
  #paused = false;
  #planned = false;
  /** There was room again before anybody could be told. */
  #drainedEarly = false;
  #closure: Closure | undefined;

  /** @param buffers where it counts what is kept, too */
  constructor(clock: Pick<Clock, "afterTurn">, buffers?: BufferBudget) {
    this.#clock = clock;
    this.#share = buffers?.share();
  }

  /** What was kept is told after this turn, before anything that comes later. */
  start(sink: MessageSink): void {
    this.#sink = sink;
    if (this.#drainedEarly) this.#clock.afterTurn(() => this.drained());
    this.#plan();
  }

  /** From the next message on, everything is kept. */
  pause(): void {
    this.#paused = true;
  }

  /** What was kept is told after this turn. */
  resume(): void {
    this.#paused = false;
    this.#plan();
  }

  /** `message` is the sink's from now on. */
  message(message: Message): void {
    if (!this.#keeps) return this.#sink!.message(message);
    this.#held.push(message);
    this.#grow(message.length + OVERHEAD);
  }

  ping(payload: Uint8Array): void {
    if (this.#keeps) this.#keepControl({ kind: "ping", payload });
    else this.#sink!.ping(payload);
  }

  pong(payload: Uint8Array): void {
    if (this.#keeps) this.#keepControl({ kind: "pong", payload });
    else this.#sink!.pong(payload);
  }

  drained(): void {
    if (this.#closure !== undefined) return;
    if (this.#sink === undefined) this.#drainedEarly = true;
    else this.#sink.drained();
  }

  /** The end: told after this turn, behind everything that was kept. Only the first one counts. */
  closed(closure: Closure): void {
    if (this.#closure !== undefined) return;
    this.#closure = closure;
    // What a pause held back came before the end: nobody would lift the pause of a connection that is gone.
    this.#paused = false;
    this.#plan();
  }

  /** Forgets what was kept; nothing but the end is told any more. */
  drop(): void {
    this.#grow(-this.size);
    this.#held = [];
    this.#next = 0;
    this.#paused = false;
  }

  #keepControl(control: Control): void {
    this.#held.push(control);
    this.#grow(OVERHEAD);
  }

  #grow(bytes: number): void {
    this.size += bytes;
    this.#share?.set(this.size);
  }

  get #keeps(): boolean {
    return this.#sink === undefined || this.#paused || this.#planned || this.#next < this.#held.length;
  }

  #plan(): void {
    if (this.#sink === undefined || this.#paused || this.#planned) return;
    if (this.#next === this.#held.length && this.#closure === undefined) return;
    this.#planned = true;
    this.#clock.afterTurn(() => {
      this.#planned = false;
      this.#tell();
    });
  }

  #tell(): void {
    const sink = this.#sink;
    // The end came while something was told, and was told right behind it.
    if (sink === undefined) return;
    while (!this.#paused && this.#next < this.#held.length) {
      const item = this.#held[this.#next++]!;
      if (typeof item === "string" || item instanceof Uint8Array) {
        this.#grow(-item.length - OVERHEAD);
        sink.message(item);
      } else {
        this.#grow(-OVERHEAD);
        sink[item.kind](item.payload);
      }
    }
    if (this.#next < this.#held.length) return;
    this.#held = [];
    this.#next = 0;
    const closure = this.#closure;
    if (this.#paused || closure === undefined) return;
    // Whatever comes later is kept, and never told.
    this.#sink = undefined;
    sink.closed(closure);
  }
}
