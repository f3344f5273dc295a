import type { MeasuredPool, PoolKind } from './pool.js'

/** A bare promise and an array: what no pool can be faster than. Not a contender. */
export const floor: PoolKind = {
  name: 'floor',
  open({ size }): MeasuredPool<object> {
    const idle: object[] = Array.from({ length: size }, () => ({}))
    const waiting: ((connection: object) => void)[] = []
    return {
      acquire() {
        const connection = idle.pop()
        return connection === undefined
          ? new Promise((resolve) => waiting.push(resolve))
          : Promise.resolve(connection)
      },
      release(connection) {
        const next = waiting.shift()
        if (next === undefined) idle.push(connection)
        else next(connection)
      },
      opened: size,
      close: async () => {},
    }
  },
}
