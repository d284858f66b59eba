/** Whether a message has been under way for too long (features H2), as a coarse timer sees it. Knows no message. */

export class MessageDeadline {
  /** How many messages were whole, and parts of one were handed on: whoever does so counts. */
  progress = 0;
  readonly #ms: number;
  /** Since when one has been under way without progress, and how much of that there had been before. */
  #since = 0;
  #before = -1;

  /** @param ms milliseconds a started message may stay unfinished, or the next part of one may take */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** @param unfinished a message is under way */
  isOver(now: number, unfinished: boolean): boolean {
    if (unfinished && this.#before === this.progress) return now - this.#since >= this.#ms;
    this.#before = unfinished ? this.progress : -1;
    this.#since = now;
    return false;
  }
}
