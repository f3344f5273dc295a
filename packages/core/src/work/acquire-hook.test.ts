import { AsyncLocalStorage } from 'node:async_hooks'
import { runWithContext } from '@connmgr/core'
import type { FakeConnection } from '@connmgr/testing'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'
import type { AcquireContext } from './acquire-hook.js'

let h: Harness
afterEach(() => close(h))

/** A manager whose hook sets the tenant that the call names. */
function tenants(options: HarnessOptions = {}): Harness {
  h = manage({
    poolSize: 1,
    maxOverflow: 0,
    onAcquire: async (connection, { context }) => {
      if (context !== undefined) await connection.query(`set tenant to ${String(context)}`)
    },
    ...options,
  })
  return h
}
const tenantOf = (connection: FakeConnection) => connection.session.get('tenant')

test('the hook has run before the borrower has the connection, and what it set goes with the lease', async () => {
  tenants()
  expect(await h.manager.use((client) => tenantOf(client), { context: 'a' })).toBe('a')
  expect(await h.manager.use((client) => tenantOf(client))).toBeUndefined()
  expect(await h.manager.transaction(async (client) => tenantOf(client), { context: 'b' })).toBe(
    'b',
  )
  const lease = await h.manager.acquire({ context: 'c' })
  expect(tenantOf(lease.connection)).toBe('c')
  lease.release()
  expect(h.driver.count('connect')).toBe(1)
})

test('it gets the call, and reads the storage of the flow that acquires, also after a wait', async () => {
  const seen: (AcquireContext & { readonly stored: unknown })[] = []
  const storage = new AsyncLocalStorage<string>()
  tenants({
    onAcquire: (_connection, acquire) => {
      seen.push({ ...acquire, stored: storage.getStore() })
    },
  })
  const held = await storage.run('first', () => h.manager.acquire({ label: 'x', target: 'any' }))
  const waiting = storage.run('second', () => h.manager.acquire({ context: 2 }))
  const ambient = runWithContext({ context: 3, label: 'y' }, () => h.manager.acquire())
  storage.run('the one who gives it back', () => held.release())
  ;(await waiting).release()
  ;(await ambient).release()
  expect(seen).toEqual([
    { context: undefined, target: 'any', label: 'x', stored: 'first' },
    { context: 2, target: 'primary', label: undefined, stored: 'second' },
    { context: 3, target: 'primary', label: 'y', stored: undefined },
  ])
})

test.each([
  [
    'throws',
    () => {
      throw new Error('no tenant')
    },
    'onAcquire failed: no tenant',
  ],
  ['rejects', () => Promise.reject(new Error('no tenant')), 'onAcquire failed: no tenant'],
  [
    'leaves a transaction open',
    async (connection: FakeConnection) => {
      await connection.query('begin')
    },
    'onAcquire failed: it left an open transaction behind',
  ],
])(
  'a hook that %s fails the acquire, and the connection is clean for the next one',
  async (_how, hook, message) => {
    let fails = true
    tenants({
      onAcquire: async (connection) => {
        await connection.query('set tenant to a')
        if (fails) await hook(connection)
      },
    })
    await expect(h.manager.acquire()).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_HOOK_FAILED',
      message,
    })
    fails = false
    expect(await h.manager.use((client) => tenantOf(client))).toBe('a')
    expect(h.manager.getCounts()).toMatchObject({ inUse: 0 })
  },
)

test('a hook that hangs fails at the deadline of its acquire, and its connection is destroyed', async () => {
  tenants({ onAcquire: () => new Promise(() => {}), acquireTimeoutMs: 1000 })
  const failing = expectLater(h.manager.acquire())
  await h.clock.advance(1500)
  await expect(failing).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_HOOK_FAILED',
    message: expect.stringContaining('has not finished'),
  })
  expect(h.manager.getCounts()).toMatchObject({ inUse: 0, total: 0 })
})

test('a signal ends a hook that hangs', async () => {
  tenants({ onAcquire: () => new Promise(() => {}) })
  const abort = new AbortController()
  const failing = expectLater(h.manager.acquire({ signal: abort.signal }))
  await h.clock.settle()
  abort.abort(new Error('gone'))
  await expect(failing).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
  expect(h.manager.getCounts()).toMatchObject({ inUse: 0, total: 0 })
})

test('a connection that dies under the hook is replaced by another', async () => {
  let calls = 0
  tenants({
    onAcquire: async (connection) => {
      calls += 1
      if (calls === 1) {
        connection.lose()
        throw new Error('lost')
      }
    },
  })
  const lease = await h.manager.acquire()
  expect(calls).toBe(2)
  lease.release()
})

test('what the hook sends counts neither as the work of the borrower nor as its place in leak reports', async () => {
  tenants({ leakDetection: { thresholdMs: 1000, captureStack: 'always' } })
  async function borrower() {
    return h.manager.acquire({ context: 'a' })
  }
  const lease = await borrower()
  await h.clock.advance(2000)
  expect(h.of('leakDetected')).toMatchObject([
    {
      lease: {
        queryCount: 0,
        lastQuery: undefined,
        checkedOutBy: expect.stringMatching(/^borrower .*acquire-hook\.test\.ts/),
      },
    },
  ])
  lease.release()
})

test('a hook that acquires from its own manager is refused, rather than run for ever', async () => {
  tenants({ onAcquire: async () => void (await h.manager.acquire()) })
  await expect(h.manager.acquire()).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_HOOK_FAILED',
    message: expect.stringContaining('must not acquire from its own manager'),
  })
})

test('what it sends is undone even where the driver sees no change of the session', async () => {
  tenants({
    onAcquire: async (connection) => void (await connection.query('select sets_something()')),
  })
  await h.manager.use(() => {})
  await h.clock.settle()
  expect(h.driver.count('reset')).toBe(1)
})

test('without a hook an acquire is as before, and a hook that sends nothing costs no reset', async () => {
  tenants({ onAcquire: () => {} })
  await h.manager.use(() => {})
  await h.clock.settle()
  expect(h.driver.count('reset')).toBe(0)
})

test.each([
  [{ onAcquire: 'set role' }, 'onAcquire'],
  [{ onAcquire: () => {}, reset: 'none' }, 'reset'],
])('refuses %j', (options, option) => {
  h = manage()
  expect(() => manage(options as never)).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option }),
  )
})
