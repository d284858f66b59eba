/** An ordinary request of `node:http`, answered by a WHATWG handler (features L8). Knows no upgrade. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyTooLarge, FAILED, ILL_FORMED_TARGET, type Refusal } from "../../handshake/refusal.ts";
import { reasonOf } from "../../handshake/server_handshake.ts";
import { requestUrl } from "../../handshake/request_target.ts";
import type { Clock } from "../../transport/clock.ts";
import type { FetchHandler, ListenOptions } from "../../transport/upgrade.ts";
import { HeaderLines } from "./header_lines.ts";
import { LINGER_MS } from "./last_answer.ts";

/** What no `Request` can be made of (Fetch §2.2.1). */
const FORBIDDEN_METHODS: readonly string[] = ["CONNECT", "TRACE", "TRACK"];

/** What the body of one request came to. */
interface BodyState {
  tooLarge: boolean;
  /** The peer left before it was whole. */
  lost: boolean;
}

/** Answers `message` with what `handler` says. Never rejects. */
export async function answerPlainRequest(
  message: IncomingMessage,
  response: ServerResponse,
  handler: FetchHandler,
  options: Pick<ListenOptions, "maxEntityBodySize" | "server" | "onError" | "onRefused">,
  clock: Clock,
): Promise<void> {
  const { maxEntityBodySize: limit, server, onError } = options;
  const refuseWith = (refusal: Refusal): void => {
    options.onRefused?.(refusal.status);
    refuse(response, refusal, server, clock);
  };
  const lines = new HeaderLines(message.rawHeaders);
  if (Number(lines.get("content-length") ?? 0) > limit) return refuseWith(bodyTooLarge(limit));
  const url = requestUrl(message.url ?? "", hostOf(message, lines), isSecure(message));
  if (url === undefined) return refuseWith(ILL_FORMED_TARGET);
  const { method = "GET" } = message;
  if (FORBIDDEN_METHODS.includes(method)) return refuseWith(UNKNOWN_METHOD);

  const abort = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) abort.abort();
  });
  const state: BodyState = { tooLarge: false, lost: false };
  try {
    const request = new Request(url, {
      method,
      headers: lines.toHeaders(),
      signal: abort.signal,
      ...(method !== "GET" && method !== "HEAD" && { body: bodyOf(message, limit, state), duplex: "half" }),
    });
    await send(response, await handler(request), server);
  } catch (error) {
    if (state.tooLarge) return refuseWith(bodyTooLarge(limit));
    // That a peer left is no failure of ours.
    if (!abort.signal.aborted && !state.lost) onError(error);
    if (response.headersSent) response.destroy();
    else refuseWith(FAILED);
  }
}

/**
 * Answers with one plain sentence and ends the connection, though not before the request is in: input that nobody reads
 * would turn the end into a reset, and the peer would lose the answer.
 */
export function refuse(response: ServerResponse, refusal: Refusal, server: string | undefined, clock: Clock): void {
  if (response.destroyed || response.headersSent) return;
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  if (server !== undefined) response.setHeader("Server", server);
  const { status, headers, message } = refusal;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.setHeader("Content-Type", "text/plain;charset=utf-8");
  response.setHeader("Content-Length", message.length);
  response.setHeader("Connection", response.hasHeader("Upgrade") ? "Upgrade, close" : "close");
  response.writeHead(status, reasonOf(status));
  const { req } = response;
  if (req.complete) {
    response.end(message);
    return;
  }
  if (req.method === "HEAD") response.flushHeaders();
  else response.write(message);
  const end = (): void => {
    cancel();
    response.end();
  };
  const cancel = clock.after(LINGER_MS, end);
  req.once("end", end).once("close", end).once("error", end).resume();
}

const UNKNOWN_METHOD: Refusal = { status: 501, headers: [], message: "This server does not have that method" };

/** RFC 7230 §5.5: a request in HTTP/1.0 may leave it out. */
function hostOf(message: IncomingMessage, lines: HeaderLines): string {
  const host = lines.get("host");
  if (host !== null || message.httpVersion !== "1.0") return host ?? "";
  const { localAddress = "localhost", localPort } = message.socket;
  return `${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort ?? ""}`;
}

function isSecure(message: IncomingMessage): boolean {
  return (message.socket as { encrypted?: boolean }).encrypted === true;
}

/** Read by hand: to leave an iteration early would drop the connection, and the refusal with it. */
function bodyOf(message: IncomingMessage, limit: number, state: BodyState): ReadableStream<Uint8Array> {
  let size = 0;
  let settled = false;
  return new ReadableStream<Uint8Array>({
    start(controller): void {
      const fail = (error: Error): void => {
        if (settled) return;
        settled = true;
        controller.error(error);
      };
      const lose = (cause?: Error): void => {
        state.lost ||= !settled;
        fail(new Error("Cannot read the body: the client has left", { cause }));
      };
      message.pause();
      message.on("data", (chunk: Uint8Array) => {
        if (settled) return;
        size += chunk.length;
        if (size > limit) {
          state.tooLarge = true;
          return fail(new RangeError(`Cannot read the body: it has more than ${limit} bytes`));
        }
        controller.enqueue(new Uint8Array(chunk));
        message.pause();
      });
      message.once("end", () => {
        if (settled) return;
        settled = true;
        controller.close();
      });
      message.once("error", lose).once("close", () => lose());
    },
    pull: () => void message.resume(),
    cancel() {
      settled = true;
      message.resume();
    },
  }, { highWaterMark: 0 });
}

async function send(response: ServerResponse, answer: Response, server: string | undefined): Promise<void> {
  const { headers, status, statusText, body } = answer;
  if (server !== undefined) response.setHeader("Server", server);
  for (const name of new Set(headers.keys())) {
    // Every cookie has a line of its own (RFC 6265 §3).
    response.setHeader(name, name === "set-cookie" ? headers.getSetCookie() : headers.get(name)!);
  }
  response.writeHead(status, statusText || undefined);
  if (body === null || response.req.method === "HEAD") {
    response.end();
    await body?.cancel();
    return;
  }
  // An answer that takes its time to begin is seen to have begun.
  response.flushHeaders();
  await pump(body.getReader(), response);
}

/** Writes what the reader gives at the peer's pace; a peer that leaves cancels it. */
async function pump(reader: ReadableStreamDefaultReader<Uint8Array>, response: ServerResponse): Promise<void> {
  let goOn = (): void => {};
  response.on("drain", () => goOn());
  response.once("close", () => {
    reader.cancel().catch(() => {});
    goOn();
  });
  while (!response.destroyed) {
    const { done, value } = await reader.read();
    if (done) break;
    if (response.write(value) || response.destroyed) continue;
    await new Promise<void>((resolve) => goOn = resolve);
  }
  response.end();
}
