/** One pending upgrade on a runtime's own server: its request, its one answer, and how it is refused. Knows no runtime. */

import { FAILED } from "../../handshake/refusal.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { Acceptance, Upgrade } from "../../transport/upgrade.ts";
import type { Door } from "./door.ts";
import type { NativeRequest } from "./native_request.ts";

/** `Nothing` is what the runtime's handler may return beside a response. */
export abstract class NativeUpgrade<Nothing = never> implements Upgrade {
  readonly request: NativeRequest;
  /** What the runtime's handler has to return. */
  readonly answer: Promise<Response | Nothing>;
  /** Settles `answer`. */
  protected answerWith!: (answer: Response | Nothing) => void;
  #raw: Request | undefined;
  readonly #door: Pick<Door<never>, "named" | "refuse">;

  /** @param raw the runtime's own request, which nothing but the upgrade itself may need */
  constructor(raw: Request, request: NativeRequest, door: Pick<Door<never>, "named" | "refuse">) {
    this.request = request;
    this.#raw = raw;
    this.#door = door;
    this.answer = new Promise((resolve) => this.answerWith = resolve);
  }

  abstract accept(acceptance: Acceptance): Promise<MessageSocket>;

  // deno-lint-ignore require-await -- so that what fails rejects
  async reject(response: Response): Promise<void> {
    this.take();
    let answer = this.#door.refuse(FAILED);
    try {
      answer = this.#door.named(response);
    } finally {
      this.answerWith(answer);
    }
  }

  /** Decided: hands out the runtime's request, and keeps it no longer. */
  protected take(): Request {
    const raw = this.#raw!;
    this.#raw = undefined;
    this.request.decided();
    return raw;
  }
}
