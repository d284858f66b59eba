/** Waits for somebody's work that knows no signal, no longer than ours allows. Knows no work. */

/** As `work`; when `signal` aborts before, rejects with its reason, and what becomes of `work` is nobody's concern. */
export function abortable<Value>(work: Value | Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
    Promise.resolve(work).then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
