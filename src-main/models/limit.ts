/** Work that may never end, such as a question to a disk that is away, given up after a while. */

export class TookTooLong extends Error {}

/**
 * Throws TookTooLong after `milliseconds`, and the signal's reason when it aborts; the work itself goes on, and its
 * outcome is nobody's then.
 */
export async function within<T>(
  work: Promise<T>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new TookTooLong()), milliseconds);
  const stop = () => late.reject(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    work.catch(() => undefined);
  }
}
