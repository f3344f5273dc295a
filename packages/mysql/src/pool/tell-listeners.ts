/**
 * As `emit`, but a listener that fails, at once or later, harms neither the others nor who tells them.
 *
 * @param failed gets what a listener has failed with
 */
export function tellListeners(
  emitter: { rawListeners(event: string): readonly unknown[] },
  event: string,
  args: readonly unknown[],
  failed: (error: unknown) => void,
): void {
  for (const listener of emitter.rawListeners(event)) {
    try {
      const result: unknown = Reflect.apply(listener as () => unknown, emitter, args)
      // A query of mysql2 has a `then` too, which fails.
      if (result instanceof Promise) result.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
