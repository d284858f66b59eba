/** One pending upgrade on a runtime's own server: its request, its one answer, and how it is refused. Knows no runtime. */

import { FAILED } from "../../handshake/refusal.ts";
import type { MessageSocket } from "../../transport/message_socket.ts";
import type { Acceptance, Upgrade } from "../../transport/upgrade.ts";
import type { Door } from "./door.ts";
import type { NativeRequest } from "./native_request.ts";

/** `Nothing` is what the runtime's handler may return beside a response. */
export abstract class NativeUpgrade<Nothing = never> implements Upgrade {
  readonly request: NativeRequest;
  #given: { readonly answer: Response | Nothing } | undefined;
  #whenGiven: ((answer: Response | Nothing) => void) | undefined;
  #raw: Request | undefined;
  readonly #door: Pick<Door<never>, "named" | "refuse">;

  /** @param raw the runtime's own request, which nothing but the upgrade itself may need */
  constructor(raw: Request, request: NativeRequest, door: Pick<Door<never>, "named" | "refuse">) {
    this.request = request;
    this.#raw = raw;
    this.#door = door;
  }

  abstract accept(acceptance: Acceptance): MessageSocket | Promise<MessageSocket>;

  /** What the runtime's handler has to return. Asked for once. */
  get answer(): Response | Nothing | Promise<Response | Nothing> {
    return this.#given === undefined ? new Promise((resolve) => this.#whenGiven = resolve) : this.#given.answer;
  }

  /** Settles `answer`. */
  protected answerWith(answer: Response | Nothing): void {
    this.#given = { answer };
    this.#whenGiven?.(answer);
  }

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
