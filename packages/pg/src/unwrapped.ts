type AnyFunction = (...args: never[]) => unknown

/**
 * A method without what instrumentation has wrapped around it, for calls of the engine: wrappers of
 * shimmer, which OpenTelemetry uses, keep the original under `__original`.
 */
export function unwrapped<F extends AnyFunction>(method: F): F {
  let inner = method
  for (;;) {
    const { __original: original } = inner as F & { __original?: unknown }
    if (typeof original !== 'function') return inner
    inner = original as F
  }
}

/** Whether instrumentation has wrapped what sends a client's statements. */
export function isInstrumented(client: object): boolean {
  const { query } = Object.getPrototypeOf(client) as { query: AnyFunction }
  return unwrapped(query) !== query
}
