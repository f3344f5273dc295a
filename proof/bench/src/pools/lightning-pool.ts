import { createPool } from 'lightning-pool'
import { FakeServer, type MeasuredPool, type PoolKind } from './pool.js'

export const lightningPool: PoolKind = {
  name: 'lightning-pool',
  open({ size, overflow = 0, connectMs = 0, acquireTimeoutMs }): MeasuredPool<object> {
    const server = new FakeServer(connectMs)
    const pool = createPool<object>(
      { create: () => server.connect(), destroy: async () => {} },
      {
        max: size + overflow,
        // By default it refuses more than 1000.
        maxQueue: 1_000_000,
        ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMillis: acquireTimeoutMs }),
      },
    )
    pool.start()
    return {
      acquire: () => pool.acquire(),
      release: (connection) => {
        pool.release(connection)
      },
      get opened() {
        return server.opened
      },
      close: async () => pool.close(true),
    }
  },
}
