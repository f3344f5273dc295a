import { EventEmitter } from 'node:events'
import pg, { type PoolClient } from 'pg'
import type { MeasuredPool, PoolKind } from './pool.js'

/** As much of a client as pg-pool touches. */
function fakeClientClass(connectMs: number, onOpen: () => void): typeof pg.Client {
  class FakeClient extends EventEmitter {
    readonly _queryable = true
    readonly _ending = false

    connect(callback: () => void): void {
      onOpen()
      if (connectMs > 0) setTimeout(callback, connectMs)
      else process.nextTick(callback)
    }

    end(callback?: () => void): void {
      if (callback !== undefined) process.nextTick(callback)
    }

    getTransactionStatus(): string {
      return 'I'
    }

    ref(): void {}
    unref(): void {}
  }
  return FakeClient as unknown as typeof pg.Client
}

export const pgPool: PoolKind = {
  name: 'pg-pool',
  open({ size, overflow = 0, connectMs = 0, acquireTimeoutMs }): MeasuredPool<PoolClient> {
    let opened = 0
    const config = {
      max: size + overflow,
      Client: fakeClientClass(connectMs, () => {
        opened += 1
      }),
      ...(acquireTimeoutMs === undefined ? {} : { connectionTimeoutMillis: acquireTimeoutMs }),
    }
    const pool = new pg.Pool(config)
    return {
      acquire: () => pool.connect(),
      release: (client) => client.release(),
      get opened() {
        return opened
      },
      close: () => pool.end(),
    }
  },
}
