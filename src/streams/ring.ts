/** First in, first out, without moving anything: neither end costs more in a long line. Knows nothing of what waits. */

/** Room that an empty ring keeps; beyond it a burst would be paid for as long as the connection lives. */
const KEPT = 64;
/** The slots of every ring that holds none: nothing is ever put into these. */
const NO_SLOTS: never[] = [];

export class Ring<T> {
  /** Its length is 0 or a power of two: a ring that was never used holds nothing. */
  #slots: (T | undefined)[] = NO_SLOTS;
  #head = 0;
  #count = 0;

  /** How many wait. */
  get length(): number {
    return this.#count;
  }

  push(item: T): void {
    if (this.#count === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#count) & (this.#slots.length - 1)] = item;
    this.#count++;
  }

  /** The oldest one, which stays. */
  peek(): T | undefined {
    return this.#count === 0 ? undefined : this.#slots[this.#head];
  }

  /** Takes the oldest one out. */
  shift(): T | undefined {
    if (this.#count === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#count--;
    if (this.#count === 0 && this.#slots.length > KEPT) this.clear();
    return item;
  }

  clear(): void {
    this.#slots = NO_SLOTS;
    this.#head = 0;
    this.#count = 0;
  }

  #grow(): void {
    const slots = new Array<T | undefined>(Math.max(8, this.#slots.length * 2));
    for (let i = 0; i < this.#count; i++) slots[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
