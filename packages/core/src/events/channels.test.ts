import diagnostics from 'node:diagnostics_channel'
import { close, expectLater, manage } from '../../test/harness.js'

/** What is published on a channel while a test runs. */
function record(name: string) {
  const messages: { message: Record<string, unknown>; name: string }[] = []
  const onMessage = (message: unknown, channel: string | symbol) =>
    messages.push({ message: { ...(message as object) }, name: String(channel) })
  diagnostics.subscribe(name, onMessage)
  return { messages, stop: () => diagnostics.unsubscribe(name, onMessage) }
}

test('acquire and connect are traced with the address of the server and the name of the pool', async () => {
  const started = record('tracing:connmgr:pool:acquire:start')
  const connected = record('tracing:connmgr:connection:create:asyncEnd')
  const h = manage({ name: 'orders' })
  ;(await h.manager.acquire()).release()
  const context = { serverAddress: 'a', serverPort: 5432, database: 'test', poolName: 'orders' }
  expect(started.messages.map(({ message }) => message)).toEqual([
    { ...context, manager: h.manager.id },
  ])
  expect(connected.messages[0]?.message).toMatchObject(context)
  started.stop()
  connected.stop()
  await close(h)
})

test('an acquire and the release of its lease carry the same numbers', async () => {
  const acquired = record('tracing:connmgr:pool:acquire:asyncEnd')
  const released = record('connmgr:pool:release')
  const h = manage()
  const lease = await h.manager.acquire()
  lease.release()
  const { id: manager } = h.manager
  const numbers = { manager, lease: lease.id, connectionId: lease.connectionId, endpoint: 'a' }
  expect(acquired.messages).toMatchObject([{ message: numbers }])
  expect(released.messages).toMatchObject([{ message: { ...numbers, type: 'connectionReleased' } }])
  acquired.stop()
  released.stop()
  await close(h)
})

test('a failed acquire is traced with its error', async () => {
  const failed = record('tracing:connmgr:pool:acquire:error')
  const h = manage({ prepare: (driver) => driver.always('connect', { fail: 'setup' }) })
  await expectLater(h.manager.acquire()).catch(() => {})
  expect(failed.messages[0]?.message.error).toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
  failed.stop()
  await close(h)
})

test('probes are traced', async () => {
  const checks = record('tracing:connmgr:health:check:asyncEnd')
  const h = manage()
  await h.manager.checkHealth()
  expect(checks.messages[0]?.message).toMatchObject({ serverAddress: 'a' })
  checks.stop()
  await close(h)
})

test('a failover is traced', async () => {
  const done = record('tracing:connmgr:failover:asyncEnd')
  const h = manage({ endpoints: ['a', 'b'], failover: { mode: 'ordered' } })
  await h.manager.start()
  await h.manager.failover('b')
  await h.clock.settle()
  expect(done.messages.length).toBeGreaterThan(0)
  done.stop()
  await close(h)
})

test('releases, leaks, closed connections and closed pools are published', async () => {
  const channels = [
    'connmgr:pool:release',
    'connmgr:leak:detected',
    'connmgr:leak:resolved',
    'connmgr:connection:destroy',
    'connmgr:pool:close',
  ].map(record)
  const h = manage({ leakDetection: { thresholdMs: 1000 } })
  const lease = await h.manager.acquire()
  await h.clock.advance(5000)
  lease.release()
  await close(h)
  expect(channels.map(({ messages }) => messages[0]?.message.type)).toEqual([
    'connectionReleased',
    'leakDetected',
    'leakResolved',
    'connectionClosed',
    'poolClosed',
  ])
  for (const channel of channels) channel.stop()
})
