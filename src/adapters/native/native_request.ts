/** A WHATWG request as the door knows it: copied, because a runtime takes its own back with the upgrade. */

import { ConnectionError } from "../../errors.ts";
import type { UpgradeRequest } from "../../transport/upgrade.ts";

export class NativeRequest implements UpgradeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly remoteAddress: string | undefined;
  readonly secure: boolean;
  #raw: Request | undefined;
  #signal: AbortSignal | undefined;
  #unwatch: (() => void) | undefined;

  /** @param secure whether the server has TLS: in an absolute target the scheme is the client's word */
  constructor(request: Request, remoteAddress: string | undefined, secure: boolean) {
    this.#raw = request;
    this.method = request.method;
    this.url = request.url.replace(/^\w+(?=:)/, secure ? "https" : "http");
    this.headers = new Headers(request.headers);
    this.remoteAddress = remoteAddress;
    this.secure = secure;
  }

  /**
   * Made when it is asked for, which is when a `get` takes its time: Deno 2.9 prints a warning, once in a process, as soon as
   * a request's signal is looked at.
   */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const abort = new AbortController();
      this.#signal = abort.signal;
      const raw = this.#raw?.signal;
      const left = (): void => abort.abort(new ConnectionError("The client left before the upgrade was decided"));
      if (raw?.aborted) left();
      else raw?.addEventListener("abort", left);
      this.#unwatch = () => raw?.removeEventListener("abort", left);
    }
    return this.#signal;
  }

  /** Lets go of the runtime's request. From here on its signal tells something else: on Deno 2.9 that it was answered. */
  decided(): void {
    this.#unwatch?.();
    this.#unwatch = this.#raw = undefined;
  }

  /** False when nobody has watched. */
  get hasLeft(): boolean {
    return this.#signal?.aborted === true;
  }
}
