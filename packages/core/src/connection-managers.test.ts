import { close, manage } from '../test/harness.js'
import { connectionManagers } from './connection-managers.js'

const listed = () => connectionManagers().map(({ id }) => id)

test('managers are listed from when they are made until they are closed, those of one name apart', async () => {
  const one = manage({ name: 'orders' })
  const other = manage({ name: 'orders' })
  expect(one.manager.id).not.toBe(other.manager.id)
  const ours = connectionManagers().filter(({ name }) => name === 'orders')
  expect(ours).toEqual([
    { id: one.manager.id, name: 'orders', manager: one.manager },
    { id: other.manager.id, name: 'orders', manager: other.manager },
  ])
  await close(one)
  expect(listed()).not.toContain(one.manager.id)
  expect(listed()).toContain(other.manager.id)
  await close(other)
  expect(listed()).not.toContain(other.manager.id)
})

test('the number of a manager is never given again', async () => {
  const first = manage()
  const { id } = first.manager
  await close(first)
  const second = manage()
  expect(second.manager.id).toBeGreaterThan(id)
  await close(second)
})

test('a manager that holds a lease is listed until that has ended', async () => {
  const h = manage()
  const lease = await h.manager.acquire()
  const closing = h.manager.close({ drainTimeoutMs: 1000 })
  await h.clock.settle()
  expect(listed()).toContain(h.manager.id)
  lease.release()
  await h.clock.advance(1000)
  await closing
  expect(listed()).not.toContain(h.manager.id)
})
