/** `fetch` whose answers have a limit: of servers that we ask for keys and tokens, and that may be somebody else's by now. */

import { concat } from "../bytes.ts";
import { AuthError } from "../errors.ts";

/** The platform's `fetch`, or one that stands in for it: through a proxy, or with certificates of its own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Bytes of an answer: a set of keys has some thousand. */
const MAX_BYTES = 1_048_576;

/** `fetch` that rejects with an `AuthError` when an answer is longer than a mebibyte. */
export function limitedFetch(fetch: Fetch): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    const { body, status, statusText, headers } = response;
    return body === null ? response : new Response(await read(body), { status, statusText, headers });
  };
}

async function read(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    chunks.push(value!);
    size += value!.length;
    if (size <= MAX_BYTES) continue;
    // What is cut is nobody's concern.
    reader.cancel().catch(() => {});
    throw new AuthError(`Cannot read the answer: it has more than ${MAX_BYTES} bytes`);
  }
  return new Uint8Array(concat(...chunks));
}
