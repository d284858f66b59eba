/**
 * Whether the peer is still there (features P2): pings at an interval, gives up when neither a pong nor anything else
 * proves it alive in time, and tells the latency. Driven by somebody's coarse timer; knows no message.
 */

import type { Clock } from "../transport/clock.ts";
import type { MessageSocket } from "../transport/message_socket.ts";

/** Infinity switches a time off. */
export interface KeepAliveOptions {
  readonly clock: Clock;
  /** Milliseconds from ping to ping. */
  readonly pingMs: number;
  /** Milliseconds a pong may take. */
  readonly pongMs: number;
  /** Told of a ping that goes out. */
  readonly onPing?: () => void;
  /** Told when the last ping is answered: the peer has all that was sent before it. */
  readonly onAnswer?: () => void;
}

export class KeepAlive {
  readonly #socket: MessageSocket;
  readonly #options: KeepAliveOptions;
  /** Something proved the peer alive since the last look; and when, as seen from the coarse timer. */
  #alive = false;
  #aliveAt: number;
  #bytesSeen = 0;
  #bufferedSeen = 0;
  #takenSeen = 0;
  #pingDue: number;
  #pingAt = 0;
  /** The numbers of our last ping, and of the last one that was answered. */
  #pingCount = 0;
  #pongCount = 0;
  /** 0: none is. */
  #pongDue = 0;
  /** Seconds from our last ping to its pong; undefined before the first. */
  latency: number | undefined;

  constructor(socket: MessageSocket, options: KeepAliveOptions) {
    this.#socket = socket;
    this.#options = options;
    const now = Math.ceil(options.clock.now());
    this.#aliveAt = now;
    this.#pingDue = socket.ping ? now + options.pingMs : Infinity;
  }

  /** The shortest of its times, for whoever plans the looks. */
  get shortestMs(): number {
    const { pingMs, pongMs } = this.#options;
    return this.#socket.ping ? Math.min(pingMs, this.#pingDue < Infinity ? pongMs : Infinity) : pingMs + pongMs;
  }

  /** The peer was heard, or took what we wrote. */
  touch(): void {
    this.#alive = true;
  }

  /** A pong. False: it answers none of ours. */
  pong(payload: Uint8Array): boolean {
    this.#alive = true;
    const count = countIn(payload);
    if (count <= this.#pongCount || count > this.#pingCount) return false;
    this.#pongCount = count;
    if (count === this.#pingCount) {
      this.#pongDue = 0;
      this.latency = (this.#options.clock.now() - this.#pingAt) / 1_000;
      this.#options.onAnswer?.();
    }
    return true;
  }

  /** We read again: what the peer may have answered meanwhile is only now on its way to us. */
  resumed(now: number): void {
    this.#aliveAt = now;
    if (this.#pongDue > 0) this.#pongDue = now + this.#options.pongMs;
  }

  /**
   * Pings when it is time. False: the peer is dead.
   * @param paused it is us who do not read, so that no answer can come: its deadline stands still (features F1)
   * @param blocked what was written already waits for the peer
   */
  check(now: number, paused: boolean, blocked: boolean): boolean {
    const { pingMs, pongMs } = this.#options;
    this.#look(now);
    if (this.#socket.ping === undefined) {
      // A runtime that pings by itself does so behind what waits for the peer: of one that takes nothing it learns nothing.
      if (!blocked && this.#bufferedSeen === 0) this.#aliveAt = now;
      return now - this.#aliveAt < pingMs + pongMs;
    }
    if (paused && this.#pongDue > 0) this.#pongDue = now + pongMs;
    if (this.#pongDue > 0 && now >= this.#pongDue && now - this.#aliveAt >= pongMs) return false;
    if (now < this.#pingDue) return true;
    this.#pingDue = now + pingMs;
    // One that waits for its answer is enough to know. While we pause they go on, so that a reset is noticed; but not
    // behind bytes that wait already and do the same.
    const answered = this.#pongCount === this.#pingCount;
    if (!answered && (blocked || !(paused || pongMs === Infinity))) return true;
    this.#pingAt = this.#options.clock.now();
    if (answered || paused) this.#pongDue = now + pongMs;
    this.#options.onPing?.();
    this.#socket.ping!(payloadOf(++this.#pingCount));
    return true;
  }

  /** A peer in the middle of a long message answers after it, and one that takes what we wrote is not dead. */
  #look(now: number): void {
    const bytes = this.#socket.bytesReceived ?? 0;
    const buffered = this.#socket.bufferedAmount;
    // What waits may grow although the peer takes some. What nothing waits before, the system takes, and proves nothing.
    const taken = this.#socket.bytesTaken ?? -buffered;
    const takes = this.#bufferedSeen > 0 && taken > this.#takenSeen;
    if (this.#alive || bytes !== this.#bytesSeen || takes) this.#aliveAt = now;
    this.#alive = false;
    this.#bytesSeen = bytes;
    this.#bufferedSeen = buffered;
    this.#takenSeen = taken;
  }
}

/** A ping carries its number, so that a late pong is not taken for the last one. */
function payloadOf(count: number): Uint8Array {
  return Uint8Array.of(0x68, 0x77, count >>> 24, count >>> 16, count >>> 8, count);
}

/** The number in a pong that answers one of ours, 0 in any other. */
function countIn(payload: Uint8Array): number {
  if (payload.length !== 6 || payload[0] !== 0x68 || payload[1] !== 0x77) return 0;
  return new DataView(payload.buffer, payload.byteOffset).getUint32(2);
}
