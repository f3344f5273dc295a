import type { MeasuredPool, PoolKind } from './pool.js'

const CANCELLED = new Error('cancelled')

/** A bare promise and an array: what no pool can be faster than. Not a contender. */
export const floor: PoolKind = {
  name: 'floor',
  open({ size, acquireTimeoutMs }): MeasuredPool<object> {
    const idle: object[] = Array.from({ length: size }, () => ({}))
    const waiting: ((connection: object) => void)[] = []
    let served = 0
    return {
      acquire() {
        const connection = idle.pop()
        if (connection !== undefined) return Promise.resolve(connection)
        return new Promise((resolve, reject) => {
          waiting.push(resolve)
          if (acquireTimeoutMs !== undefined) {
            setTimeout(() => reject(new Error('timed out')), acquireTimeoutMs)
          }
        })
      },
      release(connection) {
        const next = waiting[served]
        if (next === undefined) {
          idle.push(connection)
          return
        }
        served += 1
        // Not by shift(), which takes time in proportion to a long array.
        if (served === waiting.length) served = waiting.length = 0
        next(connection)
      },
      abortable: () => {
        const controller = new AbortController()
        const { signal } = controller
        return {
          acquire: () =>
            new Promise((_resolve, reject) => {
              const onAbort = (): void => reject(new Error('aborted', { cause: signal.reason }))
              signal.addEventListener('abort', onAbort, { once: true })
            }),
          abort: () => controller.abort(CANCELLED),
        }
      },
      opened: size,
      close: async () => {},
    }
  },
}
