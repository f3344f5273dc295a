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
