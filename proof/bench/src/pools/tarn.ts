import { Pool } from 'tarn'
import { FakeServer, type MeasuredPool, type PoolKind } from './pool.js'

export const tarn: PoolKind = {
  name: 'tarn',
  open({ size, overflow = 0, connectMs = 0, acquireTimeoutMs }): MeasuredPool<object> {
    const server = new FakeServer(connectMs)
    const pool = new Pool<object>({
      min: 0,
      max: size + overflow,
      create: () => server.connect(),
      destroy: () => {},
      ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMillis: acquireTimeoutMs }),
    })
    return {
      acquire: () => pool.acquire().promise,
      release: (connection) => {
        pool.release(connection)
      },
      abortable: () => {
        let pending: ReturnType<typeof pool.acquire> | undefined
        return {
          acquire: () => {
            pending = pool.acquire()
            return pending.promise
          },
          abort: () => pending?.abort(),
        }
      },
      get opened() {
        return server.opened
      },
      close: () => pool.destroy(),
    }
  },
}
