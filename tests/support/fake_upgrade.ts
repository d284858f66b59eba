/** An `Upgrade` that records how it was decided, and lets a test play a client that leaves. */

import { ConnectionError } from "../../src/errors.ts";
import type { MessageSocket } from "../../src/transport/message_socket.ts";
import type { Acceptance, Upgrade, UpgradeRequest } from "../../src/transport/upgrade.ts";
import { FakeSocket } from "./fake_socket.ts";

export class FakeUpgrade implements Upgrade {
  readonly request: UpgradeRequest;
  readonly socket: FakeSocket = new FakeSocket();
  accepted: Acceptance | undefined;
  rejected: Response | undefined;
  readonly #abort = new AbortController();

  constructor(path: string, headers: Record<string, string> = {}, request: Partial<UpgradeRequest> = {}) {
    this.request = {
      method: "GET",
      url: `http://hawser.test${path}`,
      headers: new Headers({ host: "hawser.test", ...headers }),
      remoteAddress: "192.0.2.7",
      secure: false,
      signal: this.#abort.signal,
      ...request,
    };
  }

  accept(acceptance: Acceptance): MessageSocket | Promise<MessageSocket> {
    this.#decide();
    if (this.request.signal.aborted) return Promise.reject(new ConnectionError("The client has left"));
    this.accepted = acceptance;
    this.socket.protocol = acceptance.protocol ?? "";
    return Promise.resolve(this.socket);
  }

  reject(response: Response): Promise<void> {
    this.#decide();
    this.rejected = response;
    return Promise.resolve();
  }

  /** The client leaves before it was answered. */
  leave(): void {
    this.#abort.abort(new ConnectionError("The client left"));
  }

  /** The refusal as `403 Pages of …`, or `101`. */
  async outcome(): Promise<string> {
    if (this.rejected !== undefined) return `${this.rejected.status} ${await this.rejected.clone().text()}`;
    return this.accepted === undefined ? "undecided" : "101";
  }

  #decided = false;
  #decide(): void {
    if (this.#decided) throw new Error("Decided twice");
    this.#decided = true;
  }
}
