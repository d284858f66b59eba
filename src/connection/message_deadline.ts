/** Whether a message has been under way for too long (features H2), as a coarse timer sees it. Knows no message. */

export class MessageDeadline {
  /** How many messages were whole: whoever assembles them counts. */
  messages = 0;
  readonly #ms: number;
  /** Since when one has been under way, and how many had come before it. */
  #since = 0;
  #before = -1;

  /** @param ms milliseconds a started message may stay unfinished */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** @param unfinished a message is under way */
  isOver(now: number, unfinished: boolean): boolean {
    if (unfinished && this.#before === this.messages) return now - this.#since >= this.#ms;
    this.#before = unfinished ? this.messages : -1;
    this.#since = now;
    return false;
  }
}
