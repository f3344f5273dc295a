import { createPool } from 'generic-pool'
import { FakeServer, type MeasuredPool, type PoolKind } from './pool.js'

export const genericPool: PoolKind = {
  name: 'generic-pool',
  open({ size, overflow = 0, connectMs = 0, acquireTimeoutMs }): MeasuredPool<object> {
    const server = new FakeServer(connectMs)
    const pool = createPool<object>(
      { create: () => server.connect(), destroy: async () => {} },
      {
        max: size + overflow,
        ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMillis: acquireTimeoutMs }),
      },
    )
    return {
      acquire: () => pool.acquire() as Promise<object>,
      release: (connection) => {
        void pool.release(connection)
      },
      get opened() {
        return server.opened
      },
      close: async () => {
        await pool.drain()
        await pool.clear()
      },
    }
  },
}
