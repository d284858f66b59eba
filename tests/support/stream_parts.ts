/** What a stream gives, until it ends or fails. */

/** Each part, then the name of what it fails with, if it does. */
export async function partsOf(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const parts: unknown[] = [];
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return parts;
      parts.push(value);
    }
  } catch (error) {
    return [...parts, (error as Error).name];
  }
}
