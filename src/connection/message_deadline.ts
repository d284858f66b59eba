/** Whether a message has been under way for too long (features H2), as a coarse timer sees it. Knows no message. */

export class MessageDeadline {
  readonly #ms: number;
  /** Since when it has been under way, and how many had come before it. */
  #since = 0;
  #before = -1;

  /** @param ms milliseconds a started message may stay unfinished */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** @param unfinished a message is under way, behind `messages` that were whole */
  isOver(now: number, unfinished: boolean, messages: number): boolean {
    if (unfinished && this.#before === messages) return now - this.#since >= this.#ms;
    this.#before = unfinished ? messages : -1;
    this.#since = now;
    return false;
  }
}
