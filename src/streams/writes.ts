/**
 * What one endpoint sends, at the pace of its peer and in order (features F2): beyond the mark writes wait, and a message
 * that is sent in parts (F3) keeps all others waiting until it is over. Knows neither what comes in nor how it ends.
 */

import { byteSize } from "../bytes.ts";
import { type ConnectionClosureError, ConnectionError } from "../errors.ts";
import type { Share } from "../transport/buffer_budget.ts";
import type { Message, MessageSocket } from "../transport/message_socket.ts";
import { HeldWrites, type PartsTurn, Room, type Waiter } from "./held_writes.ts";
import type { PlainEndpointOptions } from "./plain_endpoint_options.ts";
import type { SharedMessage } from "./shared_message.ts";
import { unheard } from "./unheard.ts";

/** How writes are paced. */
export type WritesOptions = Pick<PlainEndpointOptions, "clock" | "maxBufferedAmount" | "bufferPolicy" | "buffers">;

/** Whose writes these are. */
export interface WritesHost {
  /** Closes with 1013, because of the policy `close`, and gives the error of the write. */
  giveUp(reason: string): ConnectionClosureError;
}

export class Writes {
  /** Data messages that were handed to the socket, and that `bufferPolicy` dropped. */
  messagesSent = 0;
  messagesDropped = 0;
  /** Bytes of the binary and characters of the text messages sent. */
  bytesSent = 0;
  readonly #socket: MessageSocket;
  readonly #options: WritesOptions;
  readonly #host: WritesHost;
  /** Nothing may be handed over: the socket is full, or it is the turn of a message in parts. */
  #blocked = false;
  #full = false;
  #turn: PartsTurn | undefined;
  /** Those whose writes were accepted above the mark wait for room together: one promise, however many there are. */
  #room: Room | undefined;
  /** Writes that were not accepted yet. Made at the first need. */
  #held: HeldWrites | undefined;
  /** Of what waits for the peers of all connections, once there is any. */
  #share: Share | undefined;

  constructor(socket: MessageSocket, options: WritesOptions, host: WritesHost) {
    this.#socket = socket;
    this.#options = options;
    this.#host = host;
  }

  /** What was written already waits for the peer. */
  get full(): boolean {
    return this.#full;
  }

  /** Bytes accepted and not yet with the operating system, those of held writes included. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount + (this.#held?.bytes ?? 0);
  }

  /** As `PlainEndpoint.send`, while the connection is open. */
  send(message: Message, compress: boolean, shared: SharedMessage | undefined): Promise<void> | undefined {
    if (this.#blocked) return this.#sendBlocked(message, compress);
    // A large one counts also while the peer keeps up, or seems to. That its write waits would make it no smaller.
    if (message.length > LARGE && this.#options.bufferPolicy !== "wait") {
      const refusal = this.refusal(byteSize(message));
      if (refusal !== undefined) return this.#refuse(refusal);
    }
    return this.#handOver(message, compress, shared) ? undefined : this.#whenRoom();
  }

  /** Why all connections together may not keep `bytes` more, and this one neither; undefined: they may. */
  refusal(bytes: number): string | undefined {
    return this.#counted()?.refusal(this.bufferedAmount, bytes);
  }

  /** Counts a message that its sender has dropped, because there was no room. */
  discard(): void {
    this.#counted()?.discard();
  }

  /** Counts what waits now. The socket does not tell when that becomes less. */
  recount(): void {
    const { bufferedAmount } = this;
    if (bufferedAmount > 0) this.#counted()?.set(bufferedAmount);
    else this.#share?.set(0);
  }

  #counted(): Share | undefined {
    return this.#share ??= this.#options.buffers?.share();
  }

  /** Undefined: a message may be handed over; a promise: that has to wait, and this resolves when there is room. */
  whenWritable(): Promise<void> | undefined {
    return this.#blocked ? this.#whenRoom() : undefined;
  }

  /** From the socket. */
  drained(): void {
    this.#full = false;
    if (this.#turn === undefined) this.#unblock();
    else this.#turn.goOn();
    this.recount();
  }

  /** Sends what was held elsewhere, behind what is held here, at the peer's pace: whatever is sent from now on follows. */
  adopt(writes: HeldWrites): void {
    writes.moveTo(this.#held ??= new HeldWrites());
    this.#sendHeld();
  }

  // ── a message in parts ──

  /** Whether a message can be sent in parts. */
  get hasParts(): boolean {
    return this.#socket.sendPart !== undefined;
  }

  /**
   * Gives `turn` its turn behind everything that was written, and lets nothing else be sent until it is over.
   * @throws {ConnectionError} when too many writes wait already
   */
  takeTurn(turn: PartsTurn): void {
    const held = this.#held ??= new HeldWrites();
    if (!this.#blocked && held.length === 0) return void this.#begin(turn);
    if (held.isFullFor(0, this.#options.maxBufferedAmount)) throw this.#tooMany(held);
    held.put({ turn, message: "", bytes: 0, compress: false, since: 0, resolve: ignore, reject: ignore });
  }

  /** Sends the next part of the message whose turn it is. False: it is to go on when it is told. */
  sendPart(part: Message): boolean {
    return this.#handOverPart(part, false);
  }

  /** Sends its last part, and ends its turn. Undefined: go on; a promise: it resolves when there is room. */
  sendLastPart(part: Message): Promise<void> | undefined {
    this.messagesSent++;
    const room = this.#handOverPart(part, true) ? undefined : this.#whenRoom();
    this.endTurn();
    return room;
  }

  /** Ends a turn in which nothing was sent. */
  endTurn(): void {
    this.#turn = undefined;
    if (!this.#full) this.#unblock();
  }

  #begin(turn: PartsTurn): boolean {
    this.#turn = turn;
    this.#blocked = true;
    if (turn.begin()) return true;
    this.#turn = undefined;
    this.#blocked = this.#full;
    return false;
  }

  #handOverPart(part: Message, fin: boolean): boolean {
    this.bytesSent += part.length;
    const keepsUp = this.#socket.sendPart!(part, fin);
    if (!keepsUp) {
      this.#full = true;
      this.recount();
    }
    return keepsUp;
  }

  // ── the end ──

  /**
   * Nothing new is sent from here on, and whoever waits is told. With `flushes`, everything that waits is handed over
   * before our own close frame, else nobody knows what arrived; nothing can follow a message that is not over, though.
   * @param unsent is told of the writes that no socket was handed
   */
  end(flushes: boolean, closedError: () => ConnectionClosureError, unsent: (writes: HeldWrites) => void): void {
    const room = this.#room;
    this.#room = undefined;
    const current = this.#turn;
    const held = this.#held;
    this.#held = undefined;
    const isFlushed = flushes && current === undefined;
    this.#turn = undefined;
    const waitingTurns = held?.takeTurns() ?? [];
    const turns = current === undefined ? waitingTurns : [current, ...waitingTurns];
    if (!isFlushed && held !== undefined) unsent(held);
    const waiters: Waiter[] = room === undefined ? [] : [room];
    for (let write = held?.next(); write !== undefined; write = held?.next()) {
      if (isFlushed) this.#handOver(write.message, write.compress);
      waiters.push(write);
    }
    this.recount();
    if (isFlushed) { for (const { resolve } of waiters) resolve(); }
    if (turns.length === 0 && (isFlushed || waiters.length === 0)) return;
    const error = closedError();
    if (!isFlushed) { for (const { reject } of waiters) reject(error); }
    for (const turn of turns) turn.ended(error);
  }

  /** The connection is gone, and with it what waited. */
  closed(): void {
    this.#counted()?.release();
  }

  #unblock(): void {
    this.#blocked = false;
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
    this.#sendHeld();
  }

  #sendHeld(): void {
    while (!this.#blocked) {
      const write = this.#held?.next();
      if (write === undefined) return;
      if (write.turn !== undefined) this.#begin(write.turn);
      else if (this.#handOver(write.message, write.compress)) write.resolve();
      else this.#whenRoom().then(write.resolve, write.reject);
    }
  }

  #handOver(message: Message, compress: boolean, shared?: SharedMessage): boolean {
    this.messagesSent++;
    this.bytesSent += message.length;
    const keepsUp = shared === undefined ? this.#socket.send(message, compress) : shared.sendTo(this.#socket);
    if (!keepsUp) {
      this.#blocked = this.#full = true;
      this.recount();
    }
    return keepsUp;
  }

  #sendBlocked(message: Message, compress: boolean): Promise<void> | undefined {
    const { maxBufferedAmount, bufferPolicy, clock } = this.#options;
    const bytes = byteSize(message);
    const held = this.#held ??= new HeldWrites();
    const refusal = this.refusal(bytes);
    const fits = refusal === undefined && this.bufferedAmount + bytes <= maxBufferedAmount;
    if (fits && held.length === 0 && this.#turn === undefined) {
      this.#handOver(message, compress);
      return this.#whenRoom();
    }
    if (!fits && bufferPolicy !== "wait") return this.#refuse(refusal ?? "too slow");
    // One may wait in any case: whoever waits for its writes keeps no more than that.
    if (held.isFullFor(bytes, refusal === undefined ? maxBufferedAmount : 0)) throw this.#tooMany(held);
    const sent = unheard(held.add(message, bytes, compress, clock.now()));
    this.recount();
    return sent;
  }

  /** Drops a message, or closes: as the policy says. */
  #refuse(reason: string): undefined {
    this.discard();
    if (this.#options.bufferPolicy === "close") throw this.#host.giveUp(reason);
    this.messagesDropped++;
    return undefined;
  }

  #tooMany({ bytes }: HeldWrites): ConnectionError {
    this.discard();
    return new ConnectionError(`Cannot send a message: ${bytes} bytes of writes wait already`);
  }

  #whenRoom(): Promise<void> {
    if (this.#room !== undefined) return this.#room.promise;
    this.#room = new Room();
    return unheard(this.#room.promise);
  }
}

/** Bytes of the binary and characters of the text messages that are looked at before they are handed over. */
const LARGE = 65_536;

function ignore(): void {}
