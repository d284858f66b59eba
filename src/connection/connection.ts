/**
 * An engine, a byte transport and a clock make a message socket: the waist on every runtime that gives raw bytes. Owns
 * when bytes are handed over, how long things may take, and how much a peer may keep waiting; knows no rule of framing.
 */

import { type CloseFrameInfo, CorruptedFrameError, type WebSocketError } from "../errors.ts";
import { frameMessage } from "../protocol/frame_writer.ts";
import { Engine, type EngineOutput, type Role, type Violation } from "../protocol/engine.ts";
import type { PermessageDeflate } from "../protocol/permessage_deflate.ts";
import type { BufferBudget, Share } from "../transport/buffer_budget.ts";
import type { ByteSink, ByteTransport } from "../transport/byte_transport.ts";
import type { Cancel, Clock } from "../transport/clock.ts";
import type { Deadlines, Watched } from "../transport/deadlines.ts";
import type { Framed, Message, MessageSink, MessageSocket } from "../transport/message_socket.ts";
import type { SocketLimits } from "../transport/upgrade.ts";
import { Backlog } from "./backlog.ts";
import { closureOf } from "./closure_of.ts";
import type { ConnectionOptions } from "./connection_options.ts";
import { MessageDeadline } from "./message_deadline.ts";
import { RateLimit } from "../transport/rate_limit.ts";

/** How much one connection handles, in or out, before the others have their turn; a part costs a reader of streams more. */
const FAIR_MESSAGES = 1_024;
const FAIR_BYTES = 1_048_576;
const PART_MESSAGES = 4;
/** The transport tells only when all of a write is out: of a large one in pieces the peer is seen to take some. */
const MOST_AT_ONCE = 1_048_576;
/** A read that brought less has emptied the socket, and the event loop goes on to the others: see `turnPerChunk`. */
const SHORT_READ = 16_384;
const NOTHING: readonly Uint8Array[] = [];

export class Connection implements MessageSocket, ByteSink, EngineOutput, Watched {
  readonly protocol: string;
  readonly framing: number | string | undefined;
  bytesReceived = 0;
  readonly #transport: ByteTransport;
  readonly #role: Role;
  readonly #limits: SocketLimits;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #engine: Engine;
  readonly #deflate: PermessageDeflate | undefined;
  /** Made at the first need, as few peers ever send a control frame. */
  #controlRate: RateLimit | undefined;
  #inflateRate: RateLimit | undefined;
  /** Where all connections count what they keep; and, once there is any, what came here and was not handed on. */
  readonly #buffers: BufferBudget | undefined;
  #share: Share | undefined;
  #sink: MessageSink | undefined;
  /** Inside a call from the transport: what is written meanwhile is flushed once, at its end. */
  #inBatch = false;
  #flushPlanned = false;
  #flush: (() => void) | undefined;
  /** The transport is full, or it is the others' turn: what is flushed waits in `#backlog`. */
  #full = false;
  #resting = false;
  /** Made at the first need: most peers keep up. */
  #backlog: Backlog | undefined;
  /** The transport has read the last bytes at once: it may be lent the next. */
  #eager = false;
  /** `send` has answered false and no `drained` has followed yet. */
  #owesDrained = false;
  #paused = false;
  /** What this connection has handled since it last let the others have their turn. */
  #messagesIn = 0;
  #bytesIn = 0;
  #messagesOut = 0;
  #bytesOut = 0;
  #ended = false;
  #ending = false;
  /** Nothing more goes to the transport: our direction has ended, or everything was dropped. */
  #silent = false;
  #closed = false;
  #first: "local" | "remote" | undefined;
  #error: WebSocketError | undefined;
  #cancelLinger: Cancel | undefined;
  /** Bytes that came after the last that counted. */
  #lingered = 0;
  /** Present while a message is under way, so that nobody looks at those that are idle. */
  #lateness: MessageDeadline | undefined;

  constructor(transport: ByteTransport, options: ConnectionOptions) {
    const { limits, role, head } = options;
    this.protocol = options.protocol;
    this.#transport = transport;
    this.#role = role;
    this.#limits = limits;
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#buffers = options.buffers;
    const deflate = this.#deflate = options.deflate;
    const size = limits.maxFrameSize ?? Infinity;
    // A client's frames are masked, each with a key of its own (§5.3).
    if (role === "server") this.framing = deflate === undefined ? size : `${size} ${deflate.kind}`;
    this.#engine = new Engine(this, options);
    if (head === undefined || head.length === 0) return;
    this.bytesReceived = head.length;
    this.#engine.pause();
    // A plain array: the `slice` of a runtime's own kind may be a view.
    this.#engine.receive(new Uint8Array(head.buffer, head.byteOffset, head.length));
  }

  // ── from above: the socket ──

  start(sink: MessageSink): void {
    this.#sink = sink;
    if (this.bytesReceived > 0) {
      // The sink is not called from inside this call; what the transport brings meanwhile stands behind the head.
      this.#resting = true;
      this.#clock.afterTurn(() => this.#goOn());
    }
    this.#transport.start(this);
  }

  get bufferedAmount(): number {
    return this.#engine.pending + this.#waiting + this.#transport.bufferedAmount;
  }

  send(message: Message, compress = true): boolean {
    if (this.#silent) return false;
    this.#engine.send(message, compress);
    return this.#wrote(message.length);
  }

  frame(message: Message): Framed {
    return frameMessage(message, this.#limits.maxFrameSize ?? Infinity, this.#deflate);
  }

  sendFramed(framed: Framed): boolean {
    if (this.#silent) return false;
    this.#engine.sendFramed(framed);
    return this.#wrote(framed.bytes.length);
  }

  sendPart(part: Message, fin: boolean): boolean {
    if (this.#silent) return false;
    this.#engine.sendPart(part, fin);
    return this.#wrote(part.length);
  }

  ping(payload: Uint8Array): void {
    this.#engine.ping(payload);
    this.#planFlush();
  }

  pong(payload: Uint8Array): void {
    this.#engine.pong(payload);
    this.#planFlush();
  }

  close(code?: number, reason = ""): void {
    if (this.#silent || this.#engine.sent !== undefined) return;
    this.#first ??= "local";
    this.#engine.close(code, reason);
    this.#planFlush();
  }

  destroy(error?: WebSocketError): void {
    if (this.#closed) return;
    this.#error ??= error;
    this.#cut();
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#engine.pause();
    // What is dropped anyway is read on, see `#finish`.
    if (!this.#engine.deaf) this.#transport.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#resting || this.#closed) return;
    // Delivered later, never from inside this call; but still in this turn of ours, or who pauses often starves the others.
    this.#resting = true;
    this.#clock.afterTurn(() => this.#goOn());
  }

  // ── from below: the transport ──

  bytes(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    if (this.#engine.deaf) {
      if ((this.#lingered += chunk.length) > this.#limits.lingerBytes) this.#cut();
      return;
    }
    if (chunk.length < SHORT_READ && this.#transport.turnPerChunk === true && !this.#resting) this.#startTurn();
    this.#bytesIn += chunk.length;
    this.#inBatch = true;
    this.#engine.receive(chunk);
    this.#endBatch();
  }

  drained(): void {
    this.#full = false;
    this.#handOver();
  }

  ended(): void {
    this.#ended = true;
    // §7.1.1: the peer will say no more. What waits in the engine comes first: it may hold a close frame to answer.
    if (this.#engine.deaf || !(this.#paused || this.#resting)) this.#finish();
  }

  closed(cause?: Error): void {
    if (this.#closed) return;
    this.#closed = this.#silent = true;
    this.#deadlines.delete(this);
    this.#cancelLinger?.();
    // An answer to what comes now does not travel any more.
    const { sent } = this.#engine;
    // What a pause held back came before the end, and is not lost with it.
    this.#inBatch = true;
    this.#engine.resume();
    this.#engine.hearNoMore();
    // What was written meanwhile goes nowhere; the buffer it gathered in is let go.
    this.#inBatch = false;
    this.#engine.flush();
    this.#share?.release();
    this.#backlog = undefined;
    this.#deflate?.clear();
    const { received } = this.#engine;
    this.#sink?.closed(closureOf({ received, sent, first: this.#first, error: this.#error, cause }));
  }

  // ── from beside: what the engine decided ──

  get eager(): boolean {
    return this.#eager && !this.#full && !this.#resting;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#silent) return true;
    if (this.#full || this.#resting) {
      (this.#backlog ??= new Backlog()).add(bytes);
      return false;
    }
    const piece = bytes.length > MOST_AT_ONCE ? bytes.subarray(0, MOST_AT_ONCE) : bytes;
    if (!this.#transport.write(piece)) this.#full = true;
    if (piece !== bytes) return this.write(bytes.subarray(MOST_AT_ONCE));
    return this.#eager = this.#transport.bufferedAmount === 0;
  }

  message(message: Message): void {
    if (this.#deflate !== undefined && this.#inflatesTooMuch(this.#deflate)) return;
    this.#progress(1);
    this.#sink!.message(message);
  }

  messagePart(part: Message, fin: boolean): void {
    this.#progress(PART_MESSAGES);
    this.#sink!.messagePart!(part, fin);
  }

  #progress(messages: number): void {
    if (this.#lateness !== undefined) this.#lateness.progress++;
    this.#messagesIn += messages;
    if (this.#hadItsTurn && !this.#closed) this.#engine.pause();
  }

  /** A few bytes may come to millions: what they come to counts. True when it is too much, and the peer has been told. */
  #inflatesTooMuch(deflate: PermessageDeflate): boolean {
    this.#bytesIn += deflate.takeWork();
    const rate = this.#inflateRate ??= new RateLimit(this.#limits.maxInflatedBytesPerSecond, this.#clock);
    return rate.exceeded(deflate.takeInflated()) && this.#refuse("Too much to inflate in a second");
  }

  pinged(payload: Uint8Array): void {
    if (this.#floods() || this.#sink!.ping(payload) === true) return;
    if (!this.#full) return this.#engine.pong(payload);
    (this.#backlog ??= new Backlog()).addPong(payload, this.#limits.maxPendingPongs);
  }

  ponged(payload: Uint8Array): void {
    if (!this.#floods()) this.#sink!.pong(payload);
  }

  /** Counts a control frame; true when there are too many, and the peer has been told. */
  #floods(): boolean {
    const rate = this.#controlRate ??= new RateLimit(this.#limits.maxControlFramesPerSecond, this.#clock);
    return rate.exceeded() && this.#refuse("Too many control frames in a second");
  }

  /** Fails the connection, because of a limit (§10.4) and not of a rule. */
  #refuse(sentence: string, code = 1008): true {
    this.#engine.fail(new CorruptedFrameError(sentence, code, "§10.4"));
    return true;
  }

  closing(frame: CloseFrameInfo): void {
    this.#first ??= "remote";
    this.#sink!.closing?.(frame.code, frame.reason);
  }

  failed(violation: Violation): void {
    this.#first ??= "local";
    this.#error ??= violation;
    this.#share?.release();
  }

  check(now: number): void {
    const { unfinished } = this.#engine;
    // While we hold it back ourselves, a message is not late.
    const waiting = unfinished && !this.#paused && !this.#resting;
    if (this.#lateness?.isOver(now, waiting) === true) {
      this.#refuse("Message not finished in time");
      this.#finish();
    } else if (!unfinished) {
      this.#lateness = undefined;
      this.#deadlines.delete(this);
    }
  }

  /** Counts what was written, and answers for it: false when the peer is slow, or it is the others' turn. */
  #wrote(length: number): boolean {
    // Dropped: a close frame went before it.
    if (this.#engine.sent !== undefined) return false;
    if (!this.#inBatch) {
      this.#bytesOut += length;
      if (++this.#messagesOut >= FAIR_MESSAGES || this.#bytesOut >= FAIR_BYTES) this.#rest();
      this.#planFlush();
    }
    if (!this.#full && !this.#resting) return true;
    this.#owesDrained = true;
    return false;
  }

  /** One hand-over for all that is written before the current turn is over. */
  #planFlush(): void {
    if (this.#inBatch || this.#flushPlanned) return;
    this.#flushPlanned = true;
    this.#flush ??= () => {
      this.#flushPlanned = false;
      this.#engine.flush(this.#full || this.#resting);
    };
    this.#clock.afterTurn(this.#flush, true);
  }

  #endBatch(): void {
    if (this.#engine.unfinished) this.#watch();
    else this.#share?.set(0);
    this.#inBatch = false;
    // What would wait for the transport goes on gathering: a thousand small messages must not wait in as many pieces.
    this.#engine.flush(this.#full || this.#resting);
    if (this.#engine.deaf) this.#finish();
    else if (this.#hadItsTurn) this.#rest();
    else if (this.#ended && !this.#paused && !this.#resting) this.#finish();
    else if (this.#owesDrained) this.#handOver();
  }

  /** A message is under way: it must not take too long, nor too much. */
  #watch(): void {
    if (this.#lateness === undefined && this.#limits.messageMs < Infinity && !this.#closed) {
      this.#lateness = new MessageDeadline(this.#limits.messageMs);
      this.#deadlines.add(this, this.#limits.messageMs);
    }
    const share = this.#share ??= this.#buffers?.share();
    // What waits behind a pause was held back in time: only an unfinished message is given up, if too much is kept.
    const passed = share?.set(this.#engine.held) === true && share.isPassed(this.#engine.assembled);
    if (passed) this.#refuse("All connections together keep too much", 1013);
  }

  /** Hands over what waits, as far as the transport takes it. */
  #handOver(): void {
    if (this.#resting || this.#silent) return;
    // `write` puts back what the transport does not take.
    for (const bytes of this.#backlog?.takeChunks() ?? NOTHING) this.write(bytes);
    if (!this.#full) this.#engine.flush();
    if (this.#full) return;
    const pongs = this.#backlog?.takePongs() ?? NOTHING;
    for (const payload of pongs) this.#engine.pong(payload);
    if (pongs.length > 0) this.#engine.flush();
    if (this.#full) return;
    if (this.#waiting === 0) this.#backlog = undefined;
    if (this.#ending) return this.#end();
    if (!this.#owesDrained) return;
    this.#owesDrained = false;
    this.#sink!.drained();
  }

  /** Bytes in the backlog. */
  get #waiting(): number {
    return this.#backlog === undefined ? 0 : this.#backlog.size;
  }

  // ── whose turn it is ──

  get #hadItsTurn(): boolean {
    return this.#messagesIn >= FAIR_MESSAGES || this.#bytesIn >= FAIR_BYTES;
  }

  /** Lets the others have their turn, in both directions. */
  #rest(): void {
    if (this.#resting || this.#closed) return;
    this.#resting = true;
    this.#engine.pause();
    this.#transport.pause();
    this.#clock.nextTurn(() => this.#goOn(true));
  }

  #startTurn(): void {
    this.#messagesIn = this.#messagesOut = 0;
    this.#bytesIn = this.#bytesOut = 0;
  }

  #goOn(isNewTurn = false): void {
    this.#resting = false;
    if (isNewTurn) this.#startTurn();
    if (this.#hadItsTurn) return this.#rest();
    if (this.#closed) return;
    this.#handOver();
    if (this.#paused || this.#resting) return;
    this.#inBatch = true;
    this.#engine.resume();
    this.#endBatch();
    if (!this.#paused && !this.#resting) this.#transport.resume();
  }

  // ── the end ──

  /** Nothing more is read: ends our direction when that is ours to do, and waits for the rest no longer than it may. */
  #finish(): void {
    if (this.#silent) return;
    this.#engine.flush();
    this.#cancelLinger ??= this.#clock.after(this.#limits.lingerMs, () => this.#cut());
    // Input that nobody reads would turn our end into a reset, and the peer would lose the close frame.
    if (this.#paused) this.#transport.resume();
    // §7.1.1: the server ends the TCP connection; a client does when the server did, or when it failed the connection
    if (this.#ending || !(this.#ended || this.#role === "server" || this.#error !== undefined)) return;
    this.#ending = true;
    if (this.#waiting === 0) this.#end();
  }

  #end(): void {
    this.#silent = true;
    this.#transport.end();
  }

  /** Drops everything: the sink hears `closed` and nothing else. */
  #cut(): void {
    this.#silent = true;
    this.#engine.hearNoMore();
    // Before `start` nobody tells us that it is closed.
    if (this.#sink === undefined) this.#deflate?.clear();
    this.#transport.destroy();
  }
}
