/** A promise that may reject without anybody listening. Knows nothing of what it is for. */

/** `promise`, whose rejection ends no process when nobody listens: the closure tells whoever does not wait. */
export function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
