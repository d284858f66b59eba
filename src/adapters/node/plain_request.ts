/** An ordinary request of `node:http`, answered by a WHATWG handler (features L8). Knows no upgrade. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { requestUrl } from "../../handshake/request_target.ts";
import type { FetchHandler, ListenOptions } from "../../transport/upgrade.ts";

/** What becomes of a request that no handler can answer. */
class BodyTooLargeError extends Error {}

/** Answers `message` with what `handler` says. Never rejects. */
export async function answerPlainRequest(
  message: IncomingMessage,
  response: ServerResponse,
  handler: FetchHandler,
  options: ListenOptions,
): Promise<void> {
  const { maxEntityBodySize, onError } = options;
  if (options.server !== undefined) response.setHeader("Server", options.server);
  if (Number(message.headers["content-length"] ?? 0) > maxEntityBodySize) {
    return refuse(response, 413, `A body has at most ${maxEntityBodySize} bytes`);
  }
  const url = requestUrl(message.url ?? "/", message.headers.host ?? "", isSecure(message));
  if (url === undefined) return refuse(response, 400, "The request target is ill-formed");
  const abort = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) abort.abort();
  });
  try {
    const hasBody = message.method !== "GET" && message.method !== "HEAD";
    const request = new Request(url, {
      method: message.method ?? "GET",
      headers: headersOf(message),
      signal: abort.signal,
      ...(hasBody && { body: bodyOf(message, maxEntityBodySize), duplex: "half" }),
    });
    await send(response, await handler(request));
  } catch (error) {
    if (error instanceof BodyTooLargeError || (error as { cause?: unknown })?.cause instanceof BodyTooLargeError) {
      return refuse(response, 413, `A body has at most ${maxEntityBodySize} bytes`);
    }
    if (!abort.signal.aborted) onError(error);
    if (response.headersSent) response.destroy();
    else refuse(response, 500, "The server could not answer");
  }
}

/** The request's headers, repeated ones joined, `Host` too. */
export function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  const { rawHeaders } = message;
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  return headers;
}

/** Answers with one plain sentence, and closes. */
export function refuse(response: ServerResponse, status: number, sentence: string): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { "Content-Type": "text/plain;charset=utf-8", "Connection": "close" });
  response.end(sentence);
}

function isSecure(message: IncomingMessage): boolean {
  return (message.socket as { encrypted?: boolean }).encrypted === true;
}

function bodyOf(message: IncomingMessage, limit: number): ReadableStream<Uint8Array> {
  let size = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of message) {
      size += (chunk as Uint8Array).length;
      if (size > limit) throw new BodyTooLargeError();
      yield chunk as Uint8Array;
    }
  };
  return Readable.toWeb(Readable.from(counted(), { objectMode: false })) as ReadableStream<Uint8Array>;
}

async function send(response: ServerResponse, answer: Response): Promise<void> {
  const names = new Set(answer.headers.keys());
  for (const name of names) {
    // Every cookie has a line of its own (RFC 6265 §3).
    response.setHeader(name, name === "set-cookie" ? answer.headers.getSetCookie() : answer.headers.get(name)!);
  }
  response.writeHead(answer.status, answer.statusText || undefined);
  if (answer.body === null || response.req.method === "HEAD") {
    await answer.body?.cancel();
    response.end();
    return;
  }
  const body = Readable.fromWeb(answer.body as NodeReadableStream<Uint8Array>);
  await new Promise<void>((resolve, reject) => {
    body.on("error", reject);
    response.on("close", () => {
      body.destroy();
      resolve();
    });
    body.pipe(response);
  });
}
