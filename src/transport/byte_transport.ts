/**
 * The bytes of one connection after its upgrade: reliable, ordered, both ways at once. Types only. Knows no frame and
 * no runtime.
 */

/** A pipe of bytes. Whoever makes one owes its user every rule below. */
export interface ByteTransport {
  /** Starts delivery. Called once; nothing is delivered before. */
  start(sink: ByteSink): void;
  /**
   * Queues `chunk`, which stays as it is until `bufferedAmount` is 0; others may send it too. False: the peer is slow, wait
   * for `drained`.
   */
  write(chunk: Uint8Array): boolean;
  /** Bytes written and not yet with the operating system, as far as the runtime tells. 0: nothing written is kept. */
  readonly bufferedAmount: number;
  /**
   * True: a chunk of less than 16 KiB comes in a turn of the event loop of its own, so that a busy transport leaves the
   * others theirs. Absent where several may come in one turn, as the records of TLS do.
   */
  readonly turnPerChunk?: boolean;
  /** Ends our direction once the queue is out. The peer's may still flow. */
  end(): void;
  /** Drops everything now. `closed` still follows, later. */
  destroy(): void;
  /** Stops delivery, as soon as the runtime can: a chunk that was under way may still come. */
  pause(): void;
  /** Goes on with delivery. */
  resume(): void;
}

/** Who hears the bytes. Never called from inside a call to the same transport. */
export interface ByteSink {
  /** `chunk` is the sink's from now on: it may be unmasked in place. */
  bytes(chunk: Uint8Array): void;
  /** The queue that made `write` answer false is out. */
  drained(): void;
  /** The peer ended its direction. */
  ended(): void;
  /** Exactly once, and last. */
  closed(error?: Error): void;
}
