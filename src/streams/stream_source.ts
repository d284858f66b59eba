/** Streams and async iterables as one thing: what gives the next element, and lets go. Knows no element. */

/** What a step of a source comes to. */
export interface SourceResult {
  readonly done?: boolean | undefined;
  readonly value?: unknown;
}

/** An iterator of either kind, without the arguments that nobody uses here. */
export interface StreamSource {
  next(): SourceResult | PromiseLike<SourceResult>;
  /** Lets go of what the source holds. */
  stop(reason?: unknown): unknown;
}

/** Whether `value` can be read with `for await` because it says so: a stream, or an async iterable. */
export function isStreamed(value: object): value is ReadableStream<unknown> | AsyncIterable<unknown> {
  if (value instanceof ReadableStream) return true;
  return Symbol.asyncIterator in value && typeof value[Symbol.asyncIterator] === "function";
}

/** @throws {TypeError} when it is a stream that somebody reads already */
export function streamSource(value: ReadableStream<unknown> | AsyncIterable<unknown>): StreamSource {
  if (value instanceof ReadableStream) {
    const reader: ReadableStreamDefaultReader<unknown> = value.getReader();
    return { next: () => reader.read(), stop: (reason) => reader.cancel(reason) };
  }
  const iterator = value[Symbol.asyncIterator]();
  return { next: () => iterator.next(), stop: () => iterator.return?.() };
}
