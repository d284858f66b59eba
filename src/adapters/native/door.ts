/**
 * What a runtime's own server does with a request before anybody asks what it is for: limits, the handshake's rules, and
 * ordinary requests (features L2, L7, L8). Knows no socket and no runtime.
 */

import { hasProduct, isFieldValue } from "../../handshake/header_grammar.ts";
import {
  bodyTooLarge,
  FAILED,
  headersTooLarge,
  ILL_FORMED_TARGET,
  ONLY_WEBSOCKET,
  type Refusal,
  STOPPING,
  uriTooLong,
} from "../../handshake/refusal.ts";
import { isRefusal, judgeRequest, refusalResponse } from "../../handshake/server_handshake.ts";
import { isInstance } from "../../instance_of.ts";
import type { ListenOptions } from "../../transport/upgrade.ts";

/**
 * Answers what is no upgrade of ours, with whatever else the runtime hands to its handlers. `Nothing` is what its answer may
 * be beside a response, where the runtime takes that.
 */
export type Fallback<Info, Nothing = never> = (
  request: Request,
  info: Info,
) => Response | Nothing | Promise<Response | Nothing>;

/** What the door needs of a listener's options. */
export type DoorOptions = Pick<
  ListenOptions,
  "maxUriLength" | "maxHeaderSize" | "maxEntityBodySize" | "server" | "claims" | "onError" | "onRefused"
>;

export class Door<Info, Nothing = never> {
  readonly #options: DoorOptions;
  readonly #fallback: Fallback<Info, Nothing> | undefined;
  readonly #leavesUnclaimed: boolean;
  #stopped = false;

  /**
   * @param fallback answers ordinary requests; 426 without one
   * @param leavesUnclaimed it gets upgrades to paths that nobody attached too
   */
  constructor(options: DoorOptions, fallback: Fallback<Info, Nothing> | undefined, leavesUnclaimed: boolean) {
    this.#options = options;
    this.#fallback = fallback;
    this.#leavesUnclaimed = leavesUnclaimed;
  }

  /** Answers everything with 503 from now on. */
  stop(): void {
    this.#stopped = true;
  }

  /** Undefined: a valid upgrade, to be decided. Else the answer to it, which never rejects. */
  answer(request: Request, info: Info): Response | Promise<Response | Nothing> | undefined {
    if (this.#stopped) return this.#turnAway(STOPPING);
    const tooLong = this.#tooLong(request);
    if (tooLong !== undefined) return this.#turnAway(tooLong);
    const { headers, method } = request;
    if (!hasProduct(headers.get("upgrade") ?? "", "websocket")) return this.#fetch(request, info);
    if (this.#leavesUnclaimed && this.#fallback !== undefined) {
      const pathname = pathOf(request.url);
      if (pathname !== undefined && !this.#options.claims(pathname)) return this.#fetch(request, info);
    }
    const verdict = judgeRequest({ method, httpVersion: "1.1", headers });
    if (isRefusal(verdict)) return this.#turnAway(verdict);
    return isTarget(request.url) ? undefined : this.#turnAway(ILL_FORMED_TARGET);
  }

  /** As `refuse`, a request that nobody else has counted. */
  #turnAway(refusal: Refusal): Response {
    this.#options.onRefused?.(refusal.status);
    return this.refuse(refusal);
  }

  refuse(refusal: Refusal): Response {
    return this.named(refusalResponse(refusal));
  }

  /** `response`, with the `Server` header. */
  named(response: Response): Response {
    const { server } = this.#options;
    if (server === undefined || response.headers.has("server") || response.type === "error") return response;
    const { body, status, statusText } = response;
    return new Response(body, { status, statusText, headers: this.withServer(response.headers) });
  }

  /** Whether `withServer` adds anything. */
  get namesServer(): boolean {
    return this.#options.server !== undefined;
  }

  /** A copy of `headers`, with the `Server` header. */
  withServer(headers: Headers | undefined): Headers {
    const { server } = this.#options;
    const copy = new Headers(headers);
    if (server !== undefined && !copy.has("server")) copy.set("server", server);
    return copy;
  }

  #tooLong({ url, headers }: Request): Refusal | undefined {
    const { maxUriLength, maxHeaderSize } = this.#options;
    if (url.length > maxUriLength && url.replace(ORIGIN, "").length > maxUriLength) return uriTooLong(maxUriLength);
    let size = 0;
    // With the colon, the space and the line end of each.
    headers.forEach((value, name) => size += name.length + value.length + 4);
    return size > maxHeaderSize ? headersTooLarge(maxHeaderSize) : undefined;
  }

  async #fetch(request: Request, info: Info): Promise<Response | Nothing> {
    const { maxEntityBodySize: limit, onError } = this.#options;
    if (this.#fallback === undefined) return this.#turnAway(ONLY_WEBSOCKET);
    if (Number(request.headers.get("content-length") ?? 0) > limit) return this.#turnAway(bodyTooLarge(limit));
    const body = new BodyLimit(limit);
    try {
      const answer = await this.#fallback(body.on(request), info);
      // On a server that somebody else runs it is theirs what else may be returned.
      if (!this.#leavesUnclaimed) checkSendable(answer);
      return answer instanceof Response ? this.named(answer) : answer;
    } catch (error) {
      if (body.exceeded) return this.#turnAway(bodyTooLarge(limit));
      // That a peer left is no failure of ours, and nobody is there to be refused.
      if (isAbort(error) && request.signal.aborted) return this.refuse(FAILED);
      onError(error);
      return this.#turnAway(FAILED);
    }
  }
}

/** Asked first: Deno warns of whoever looks at a signal, and a handler that ends with it has done so itself. */
function isAbort(error: unknown): boolean {
  return isInstance(error, Error) && error.name === "AbortError";
}

/** A runtime's own server might answer with a page of its own, and tell nobody. */
function checkSendable(answer: unknown): void {
  if (!(answer instanceof Response)) throw new TypeError('Cannot answer the request: "fetch" returned no response');
  if (answer.type === "error") throw new TypeError('Cannot answer the request: "fetch" returned an error response');
  if (answer.bodyUsed) throw new TypeError('Cannot answer the request: "fetch" returned a response that was read');
  for (const [name, value] of answer.headers) {
    // Deno's own server would end the process.
    if (!isFieldValue(value)) {
      throw new TypeError(`Cannot answer the request: the header "${name}" has control characters`);
    }
  }
}

/** Fails a body that says nothing of its length, and is longer than it may be. */
class BodyLimit {
  readonly #limit: number;
  exceeded = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `request` itself when nothing is to be watched. */
  on(request: Request): Request {
    if (this.#limit === Infinity || request.body === null || request.headers.has("content-length")) return request;
    let size = 0;
    const counted = request.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          size += chunk.length;
          if (size <= this.#limit) return controller.enqueue(chunk);
          this.exceeded = true;
          controller.error(new RangeError(`Cannot read the body: it has more than ${this.#limit} bytes`));
        },
      }),
    );
    return new Request(request, { body: counted, ...HALF });
  }
}

/** Fetch §5.4: a request whose body is a stream; some type definitions know nothing of it. */
const HALF: object = { duplex: "half" };

/** As of a request's target on the engine: no fragment, no user. */
function isTarget(text: string): boolean {
  const url = parse(text);
  return url !== undefined && !text.includes("#") && url.username === "" && url.password === "";
}

/** What stands before the path, or before a query that has none. */
const ORIGIN = /^[^/?#]*:\/\/[^/?#]*/;

/** Not the handshake's `pathOf`, which takes it that the host is well-formed: here nobody has looked at it yet. */
function pathOf(url: string): string | undefined {
  return parse(url)?.pathname;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
