/**
 * What reads the frames and messages of one connection: queue, reader and assembler in one hand. Between whole messages
 * nothing is in it, so connections lend it to each other: those that say nothing keep none, and of thousands that speak
 * each finds one that is still in the processor's cache. Decides nothing.
 */

import { type Allocate, type DecodeAscii, EMPTY } from "../bytes.ts";
import { Assembler, type PartTaker } from "./assembler.ts";
import { ByteQueue } from "./byte_queue.ts";
import { FrameReader } from "./frame_reader.ts";
import { compressedBound, type PermessageDeflate } from "./permessage_deflate.ts";

export interface IntakeOptions {
  /** Whose frames these are: a client masks, a server does not (§5.1). */
  readonly masked: boolean;
  /** RSV1 has a meaning: messages may be compressed (RFC 7692 §6). */
  readonly compression: boolean;
  /** Bytes of one message, and of one data frame, inclusive. */
  readonly maxMessageSize: number;
  readonly maxFrameSize: number;
  /** Frames of one message, inclusive. */
  readonly maxFragments: number;
  /** Bytes of one message that is handed on in parts, inclusive; undefined: none is. */
  readonly streamedSize: number | undefined;
  readonly decodeAscii: DecodeAscii | undefined;
  readonly allocate: Allocate | undefined;
}

export class Intake {
  readonly queue: ByteQueue = new ByteQueue();
  readonly reader: FrameReader;
  readonly assembler: Assembler;
  /** The payload of a control frame that comes in pieces, and how much of it is there. */
  control: Uint8Array = EMPTY;
  controlFilled = 0;

  constructor(options: IntakeOptions) {
    const { masked, compression, maxMessageSize, maxFrameSize, streamedSize } = options;
    const mostWhole = compression ? compressedBound(maxMessageSize) : maxMessageSize;
    // Beyond what numbers count exactly, not even a message in parts has an end.
    const most = streamedSize === undefined
      ? mostWhole
      : Math.max(mostWhole, Math.min(streamedSize, Number.MAX_SAFE_INTEGER));
    this.reader = new FrameReader(this.queue, {
      masked,
      maxFrameSize: Math.min(maxFrameSize, most),
      maxMessageSize: Math.min(maxMessageSize, streamedSize ?? Infinity),
      compression,
    });
    this.assembler = new Assembler(options);
  }

  /** A frame or a message has begun and not ended. */
  get unfinished(): boolean {
    return !this.reader.last || this.assembler.unfinished || !this.queue.empty;
  }

  /** Forgets what waits, and what has begun. */
  clear(): void {
    this.queue.clear();
    this.reader.clear();
    this.assembler.clear();
    this.control = EMPTY;
  }
}

/** So many that nobody needs now are kept: more connections than that are seldom in the middle of a message together. */
const MOST_SPARE = 16;
/** So many different options are remembered. A process has few. */
const MOST_KNOWN = 8;

/** The intakes of all connections with the same options. */
export class Intakes {
  static readonly #known: Intakes[] = [];
  readonly #options: IntakeOptions;
  readonly #spare: Intake[] = [];

  private constructor(options: IntakeOptions) {
    this.#options = options;
  }

  static of(options: IntakeOptions): Intakes {
    const known = Intakes.#known;
    let intakes = known.find((intakes) => isSame(intakes.#options, options));
    if (intakes === undefined) {
      known.push(intakes = new Intakes(options));
      if (known.length > MOST_KNOWN) known.shift();
    }
    return intakes;
  }

  /** One with nothing in it, until it is given back. */
  take(parts: PartTaker, deflate: PermessageDeflate | undefined): Intake {
    const intake = this.#spare.pop() ?? new Intake(this.#options);
    intake.assembler.parts = parts;
    intake.assembler.deflate = deflate;
    return intake;
  }

  /** Nothing is in it any more. */
  giveBack(intake: Intake): void {
    intake.assembler.parts = intake.assembler.deflate = undefined;
    if (this.#spare.length < MOST_SPARE) this.#spare.push(intake);
  }
}

function isSame(a: IntakeOptions, b: IntakeOptions): boolean {
  return a.masked === b.masked && a.compression === b.compression && a.maxMessageSize === b.maxMessageSize &&
    a.maxFrameSize === b.maxFrameSize && a.maxFragments === b.maxFragments && a.streamedSize === b.streamedSize &&
    a.decodeAscii === b.decodeAscii && a.allocate === b.allocate;
}
