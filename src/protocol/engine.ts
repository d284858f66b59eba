/**
 * The WebSocket state machine (RFC 6455 §5 to §7) of one connection, in either role: bytes in and messages out, messages
 * in and bytes out. Decides without doing: somebody else has the socket and the clock. Never awaits.
 */

import { type Allocate, type DecodeAscii, EMPTY, type FillRandom } from "../bytes.ts";
import { NO_STATUS } from "../close_code.ts";
import { type CloseFrameInfo, CorruptedFrameError, PayloadTooLargeError } from "../errors.ts";
import { readClosePayload, writeClosePayload } from "./close_payload.ts";
import { type FramedMessage, FrameWriter } from "./frame_writer.ts";
import type { ByteOutput } from "./gather_buffer.ts";
import { type Intake, Intakes } from "./intake.ts";
import { mask, maskedCopy, MaskKeys } from "./mask.ts";
import { BINARY, CLOSE, CONTINUATION, isControl, PING, PONG, TEXT } from "./opcode.ts";
import type { PermessageDeflate } from "./permessage_deflate.ts";

export type Role = "client" | "server";

/** What an engine takes and makes at most. */
export interface EngineLimits {
  /** Bytes of one message, inclusive. */
  readonly maxMessageSize: number;
  /** Bytes of one data frame, both ways; undefined: incoming bounded by the message, outgoing not split. */
  readonly maxFrameSize: number | undefined;
  /** Frames of one incoming message, inclusive. */
  readonly maxFragments: number;
  /**
   * Bytes of one message that is not compressed, inclusive, Infinity for any: such a one is handed on in parts, unless all
   * of it is there at once. Undefined: none is.
   */
  readonly streamedSize?: number | undefined;
}

export interface EngineOptions {
  readonly role: Role;
  readonly limits: EngineLimits;
  /** Where a client's mask keys come from (§5.3). */
  readonly fillRandom: FillRandom;
  /** The runtime's fastest way from ASCII to a string, if it has one. */
  readonly decodeAscii?: DecodeAscii | undefined;
  /** The runtime's fastest way to memory, if it has one. */
  readonly allocate?: Allocate | undefined;
  /** Present when permessage-deflate was agreed on (RFC 7692). */
  readonly deflate?: PermessageDeflate | undefined;
}

/** A rule that the peer broke: the close frame that says so has been written. */
export type Violation = CorruptedFrameError | PayloadTooLargeError;

/** Who hears what the engine decides. Must not throw. */
export interface EngineOutput extends ByteOutput {
  /** A whole message. A `Uint8Array` owns its buffer, and is the receiver's from now on. */
  message(message: string | Uint8Array): void;
  /**
   * The next part of a message, as much of it as has arrived, and as `message` says whose; all parts are of one kind, and
   * the first and the last may be empty. Only with `streamedSize`.
   */
  messagePart(part: string | Uint8Array, fin: boolean): void;
  /** A ping, to be answered with `pong` (§5.5.2). The payload is the receiver's. */
  pinged(payload: Uint8Array): void;
  /** A pong. The payload is the receiver's. */
  ponged(payload: Uint8Array): void;
  /** The peer's close frame. Nothing more is read. Unless `close` is called in here, it is echoed. */
  closing(frame: CloseFrameInfo): void;
  /** The peer broke a rule, and was told with a close frame. Nothing more is read. */
  failed(violation: Violation): void;
}

/** One pool of keys per source of randomness serves every client of a process. */
const keysOf = new WeakMap<FillRandom, MaskKeys>();

function keysFrom(fillRandom: FillRandom): MaskKeys {
  let keys = keysOf.get(fillRandom);
  if (keys === undefined) keysOf.set(fillRandom, keys = new MaskKeys(fillRandom));
  return keys;
}

export class Engine {
  /** The close frames that travelled. */
  received: CloseFrameInfo | undefined;
  sent: CloseFrameInfo | undefined;

  readonly #output: EngineOutput;
  readonly #intakes: Intakes;
  /** What reads, as long as a chunk is read and a message is not whole: mostly there is none. */
  #intake: Intake | undefined;
  readonly #keys: MaskKeys | undefined;
  readonly #maxFrameSize: number;
  /** Made at the first need: a connection that never said anything has none. */
  #writer: FrameWriter | undefined;
  readonly #deflate: PermessageDeflate | undefined;
  #paused = false;
  #running = false;
  /** Nothing is read any more: a close frame came, a rule was broken, or nobody wants to hear. */
  #deaf = false;
  /** A message is being sent in parts. */
  #sendingParts = false;

  constructor(output: EngineOutput, options: EngineOptions) {
    this.#output = output;
    const { role, fillRandom } = options;
    const { maxMessageSize, maxFrameSize = Infinity, maxFragments, streamedSize } = options.limits;
    this.#deflate = options.deflate;
    this.#intakes = Intakes.of({
      masked: role === "server",
      compression: options.deflate !== undefined,
      maxMessageSize,
      maxFrameSize,
      maxFragments,
      streamedSize,
      decodeAscii: options.decodeAscii,
      allocate: options.allocate,
    });
    this.#keys = role === "client" ? keysFrom(fillRandom) : undefined;
    this.#maxFrameSize = maxFrameSize;
  }

  /** Nothing more is read: what still comes may be dropped. */
  get deaf(): boolean {
    return this.#deaf;
  }

  /** A frame or a message has begun and not ended. */
  get unfinished(): boolean {
    return this.#intake?.unfinished === true;
  }

  /** Bytes that came and were not handed on: of a message that is not whole, and behind a pause. */
  get held(): number {
    return this.#intake === undefined ? 0 : this.#intake.assembler.filled + this.#intake.queue.size;
  }

  /** Those of a message that is not whole. */
  get assembled(): number {
    return this.#intake?.assembler.filled ?? 0;
  }

  /** Bytes written and not yet handed to `output.write`. */
  get pending(): number {
    return this.#writer === undefined ? 0 : this.#writer.pending;
  }

  // ── bytes in ──

  /** Takes `chunk`, which is the engine's from now on, and tells the output what is in it. */
  receive(chunk: Uint8Array): void {
    if (this.#deaf) return;
    const intake = this.#intake ??= this.#intakes.take(this.#output, this.#deflate);
    intake.queue.push(chunk);
    this.#run(intake);
  }

  /** Holds before the next frame, also when it is called from the output: the rest of the chunk waits. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what waits. Tells the output from inside this call, unless that is where it was called. */
  resume(): void {
    this.#paused = false;
    if (this.#intake !== undefined) this.#run(this.#intake);
  }

  #run(intake: Intake): void {
    if (this.#running) return;
    this.#running = true;
    const { reader, assembler } = intake;
    try {
      while (!this.#paused && !this.#deaf) {
        if (!assembler.unfinished && reader.readShort()) {
          this.#output.message(assembler.takeWhole(reader));
          continue;
        }
        if (!reader.read()) break;
        if (isControl(reader.opcode)) {
          this.#takeControl(intake);
        } else {
          const message = assembler.take(reader);
          if (message !== undefined) this.#output.message(message);
        }
      }
    } catch (error) {
      if (!(error instanceof CorruptedFrameError || error instanceof PayloadTooLargeError)) throw error;
      this.fail(error);
    } finally {
      this.#running = false;
      reader.release();
      if (!intake.unfinished) this.#giveBack(intake);
    }
  }

  #giveBack(intake: Intake): void {
    this.#intake = undefined;
    this.#intakes.giveBack(intake);
  }

  #takeControl(intake: Intake): void {
    const { bytes, start, end, key, length, first, last, opcode } = intake.reader;
    if (end - start === length) return this.#heed(opcode, maskedCopy(bytes, start, end, key));
    if (first) {
      intake.control = new Uint8Array(length);
      intake.controlFilled = 0;
    }
    const at = intake.controlFilled;
    const payload = intake.control;
    payload.set(bytes.subarray(start, end), at);
    intake.controlFilled = at + end - start;
    mask(payload, at, intake.controlFilled, key);
    if (!last) return;
    intake.control = EMPTY;
    this.#heed(opcode, payload);
  }

  #heed(opcode: number, payload: Uint8Array): void {
    switch (opcode) {
      case PING:
        return this.#output.pinged(payload);
      case PONG:
        return this.#output.ponged(payload);
      case CLOSE:
        return this.#heedClose(readClosePayload(payload));
    }
  }

  #heedClose(frame: CloseFrameInfo): void {
    this.received = frame;
    this.hearNoMore();
    this.#output.closing(frame);
    // §5.5.1: an endpoint that has not sent a close frame answers with one, typically with the same code
    this.close(frame.code === NO_STATUS ? undefined : frame.code, "");
  }

  /** Fails the connection (§7.1.7): the peer is told why, as long as no close frame went before. */
  fail(violation: Violation): void {
    this.hearNoMore();
    this.close(violation.closeCode, violation.message);
    this.#output.failed(violation);
  }

  /** Reads nothing more, and forgets what waits. */
  hearNoMore(): void {
    this.#deaf = true;
    this.#intake?.clear();
    if (this.#intake !== undefined && !this.#running) this.#giveBack(this.#intake);
  }

  // ── messages out ──

  /**
   * Writes a message. Has read it when it returns. After a close frame it is dropped (§5.5.1).
   * @param compress false: it goes as it is, also where messages are compressed
   * @throws {TypeError} while a message is being sent in parts
   */
  send(message: string | Uint8Array, compress = true): void {
    if (!this.#maySend()) return;
    if (this.#deflate !== undefined) {
      this.#writerNow().message(message, compress ? this.#deflate : undefined);
    } else if (typeof message === "string") this.#writerNow().text(TEXT, message, true);
    else this.#writerNow().binary(BINARY, message, true);
  }

  /** As `send`, for what `frameMessage` has made with this engine's `maxFrameSize` and kind of `deflate`. A server's only. */
  sendFramed({ bytes, inflated }: FramedMessage): void {
    if (!this.#maySend()) return;
    this.#writerNow().framed(bytes);
    if (inflated !== undefined) this.#deflate?.slide(inflated);
  }

  #writerNow(): FrameWriter {
    return this.#writer ??= new FrameWriter(this.#output, { keys: this.#keys, maxFrameSize: this.#maxFrameSize });
  }

  #maySend(): boolean {
    if (this.sent !== undefined) return false;
    if (this.#sendingParts) throw new TypeError("Cannot send a message: another one is being sent in parts");
    return true;
  }

  /** Writes the next part of a message, as a frame. Its kind is the first part's. After a close frame it is dropped. */
  sendPart(part: string | Uint8Array, fin: boolean): void {
    if (this.sent !== undefined) return;
    const text = typeof part === "string";
    const opcode = this.#sendingParts ? CONTINUATION : text ? TEXT : BINARY;
    this.#sendingParts = !fin;
    if (text) this.#writerNow().text(opcode, part, fin);
    else this.#writerNow().binary(opcode, part, fin);
  }

  /** Writes a ping of at most 125 bytes. */
  ping(payload: Uint8Array): void {
    if (this.sent === undefined) this.#writerNow().control(PING, payload);
  }

  /** Writes a pong of at most 125 bytes. */
  pong(payload: Uint8Array): void {
    if (this.sent === undefined) this.#writerNow().control(PONG, payload);
  }

  /** Writes a close frame, the first time. Without a code its body is empty. The arguments are checked already. */
  close(code: number | undefined, reason: string): void {
    if (this.sent !== undefined) return;
    this.sent = { code: code ?? NO_STATUS, reason };
    this.#writerNow().control(CLOSE, writeClosePayload(code, reason));
  }

  /** Hands what was gathered to `output.write`; bytes that would only wait there go on gathering (`waits`). */
  flush(waits = false): void {
    if (waits) this.#writer?.settle();
    else this.#writer?.flush();
  }
}
