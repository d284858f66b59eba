/**
 * Where outgoing bytes gather until they are handed over, in as few and as exact allocations as can be: a process gathers
 * for one connection at a time mostly, so that a spare buffer or two serve all of them. Who reads at once is lent the
 * spare itself; who does not is given bytes of his own. Knows no frame.
 */

import { EMPTY } from "../bytes.ts";

/** The most that gathers before it is handed over. */
export const GATHER_BYTES = 65_536;
/** So many spare buffers are kept; who finds none starts small, so that a broadcast does not cost a spare a receiver. */
const MAX_SPARES = 2;
/** Between these a buffer starts that is not a spare: at what this connection handed over last. */
const SMALLEST_START = 64;
const LARGEST_START = 16_384;
/** What is handed over, up to here, is a piece of a slab: an allocation of its own costs more than copying it. */
const SLAB_PIECE = 2_048;
/** Small, because a slow connection's one piece keeps the whole slab. */
const SLAB_BYTES = 16_384;
/** Up to here a loop beats a view and `set` (bench/micro/copy.ts). */
const LOOP_COPY_UP_TO = 64;

/** Full-sized, none in use. Made at the first need, and anew for those that were lent and kept. */
const spares: Uint8Array[] = [];
let sparesMade = 0;
let slab: Uint8Array = EMPTY;
let slabAt = 0;

/** Where gathered bytes go. */
export interface ByteOutput {
  /** It reads most likely what it is given before `write` returns: then nothing is copied for it. */
  readonly eager: boolean;
  /**
   * Takes bytes, in order, and never changes them: others may have them too. True: it has read them, and they are the
   * giver's again; false: they stay as they are from now on.
   */
  write(bytes: Uint8Array): boolean;
}

/** Frames in a row that many send, joined once for all whose frames are the same: what a turn's broadcasts come to. */
class SharedRun {
  /** The last of them; and the bytes of all. */
  readonly frame: Uint8Array;
  readonly length: number;
  readonly before: SharedRun | undefined;
  #joined: Uint8Array | undefined;
  /** What the last one made of it who went on: a broadcast goes to all before the next begins. */
  #longer: SharedRun | undefined;

  constructor(frame: Uint8Array, before?: SharedRun) {
    this.frame = frame;
    this.before = before;
    this.length = (before?.length ?? 0) + frame.length;
  }

  and(frame: Uint8Array): SharedRun {
    if (this.#longer?.frame !== frame) this.#longer = new SharedRun(frame, this);
    return this.#longer;
  }

  /** All of it. Nobody may change them. */
  get bytes(): Uint8Array {
    if (this.before === undefined) return this.frame;
    if (this.#joined !== undefined) return this.#joined;
    const bytes = join(this);
    keptBytes += bytes.length;
    if (keptBytes <= MOST_KEPT) this.#joined = bytes;
    return bytes;
  }
}

function join(whole: SharedRun): Uint8Array {
  const bytes = new Uint8Array(whole.length);
  for (let run: SharedRun | undefined = whole; run !== undefined; run = run.before) {
    bytes.set(run.frame, run.length - run.frame.length);
  }
  return bytes;
}

/** The last run that began. With what follows in it, it keeps frames as one connection gathers them in a turn. */
let begun: SharedRun | undefined;
/** Joined bytes that are kept with it, and the most: a long run has as many shorter ones in it as frames. */
let keptBytes = 0;
const MOST_KEPT = 16 * GATHER_BYTES;

export class GatherBuffer {
  /** Written up to `length` by whoever appends, and advanced by it. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  /** `bytes` is a spare. */
  #spare = false;
  /** All that has gathered, others have too; `bytes` is empty. */
  #run: SharedRun | undefined;
  #startSize = SMALLEST_START;

  /** Makes room for `size` more bytes. What is there and `size` come to `GATHER_BYTES` at most. */
  reserve(size: number): void {
    const { bytes, length } = this;
    const needed = length + size;
    if (needed <= bytes.length) return;
    const run = this.#run;
    this.#run = undefined;
    this.bytes = length === 0 || run !== undefined
      ? this.#start(needed)
      : new Uint8Array(Math.max(needed, Math.min(GATHER_BYTES, bytes.length * 2)));
    if (length > 0) this.bytes.set(run?.bytes ?? bytes.subarray(0, length));
  }

  /**
   * Takes a frame without a copy that nobody changes any more, as long as nothing but such has gathered; as soon as other
   * bytes join them they are copied. False: it is to be appended. What is there and the frame come to `GATHER_BYTES` at
   * most.
   */
  share(frame: Uint8Array): boolean {
    if (this.length === 0) {
      if (begun?.frame !== frame) {
        begun = new SharedRun(frame);
        keptBytes = 0;
      }
      this.#run = begun;
    } else if (this.#run === undefined) return false;
    else this.#run = this.#run.and(frame);
    this.bytes = EMPTY;
    this.length = this.#run.length;
    return true;
  }

  /** Who keeps what he gets and wrote much last time gets a buffer of that size, given away as it is; others a spare. */
  #start(needed: number): Uint8Array {
    if (this.#startSize > SLAB_PIECE) return new Uint8Array(Math.max(needed, this.#startSize));
    const spare = spares.pop();
    this.#spare = spare !== undefined || sparesMade < MAX_SPARES;
    if (spare !== undefined) return spare;
    if (!this.#spare) return new Uint8Array(Math.max(needed, this.#startSize));
    sparesMade++;
    return new Uint8Array(GATHER_BYTES);
  }

  /** What has gathered will stay for a while: a spare that it lies in is for others. */
  settle(): void {
    const { bytes, length } = this;
    if (this.#run !== undefined) {
      // Full, so that nobody appends in there; a run would keep what others send behind it.
      this.bytes = this.#run.bytes;
      this.#run = undefined;
    }
    if (!this.#spare) return;
    this.#spare = false;
    this.bytes = new Uint8Array(Math.min(GATHER_BYTES, Math.max(SMALLEST_START, length * 2)));
    this.bytes.set(bytes.subarray(0, length));
    spares.push(bytes);
  }

  /** Hands over what has gathered. */
  flush(output: ByteOutput): void {
    const { bytes, length } = this;
    if (length === 0) return;
    const spare = this.#spare;
    const run = this.#run;
    this.bytes = EMPTY;
    this.length = 0;
    this.#spare = false;
    this.#run = undefined;
    if (run !== undefined) {
      output.write(run.bytes);
      return;
    }
    if (output.eager) {
      this.#startSize = SMALLEST_START;
      const read = output.write(bytes.subarray(0, length));
      if (spare && read) spares.push(bytes);
      else if (spare) sparesMade--;
      return;
    }
    this.#startSize = Math.min(LARGEST_START, Math.max(SMALLEST_START, length));
    if (!spare) {
      output.write(length === bytes.length ? bytes : bytes.subarray(0, length));
    } else {
      const piece = length <= SLAB_PIECE ? slabPiece(bytes, length) : bytes.slice(0, length);
      spares.push(bytes);
      output.write(piece);
    }
  }
}

function slabPiece(bytes: Uint8Array, length: number): Uint8Array {
  if (slabAt + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    slabAt = 0;
  }
  const at = slabAt;
  if (length > LOOP_COPY_UP_TO) slab.set(bytes.subarray(0, length), at);
  else for (let i = 0; i < length; i++) slab[at + i] = bytes[i]!;
  slabAt += length;
  return slab.subarray(at, slabAt);
}
