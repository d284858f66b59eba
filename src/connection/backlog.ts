/**
 * What waits for a full transport: bytes in the order in which they were written, and the newest automatic pongs. Knows
 * neither transport nor frame.
 */

export class Backlog {
  /** How many bytes wait, pongs not counted. */
  size = 0;
  #chunks: Uint8Array[] = [];
  #pongs: Uint8Array[] = [];

  /** @param chunk kept, not copied */
  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.size += chunk.length;
  }

  /** Keeps the payload of a pong, of `most` the newest: only the most recent pings need an answer (RFC 6455 §5.5.3). */
  addPong(payload: Uint8Array, most: number): void {
    if (this.#pongs.push(payload) > most) this.#pongs.shift();
  }

  /** Takes the bytes out, the oldest first. */
  takeChunks(): readonly Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.size = 0;
    return chunks;
  }

  /** Takes the pongs out, the oldest first. */
  takePongs(): readonly Uint8Array[] {
    const pongs = this.#pongs;
    this.#pongs = [];
    return pongs;
  }
}
