import { close, expectLater, type Harness, replicated } from '../../test/harness.js'

let h: Harness
afterEach(() => close(h))

async function readOnlyPrimary(options = {}): Promise<void> {
  h = replicated(options)
  await h.clock.advance(1000)
  void h.manager.start()
  await h.clock.advance(5000)
  h.driver.server('a').writable = false
  await h.clock.advance(30_000)
}

test('reads go on at the standby while the primary is read-only, and at the primary where there is none', async () => {
  await readOnlyPrimary()
  for (const target of ['any', 'prefer-standby', 'standby'] as const) {
    const lease = await h.manager.acquire({ target })
    expect(lease.endpoint.id).toBe('b')
    lease.release()
  }
  h.driver.server('b').crash()
  await h.clock.advance(30_000)
  for (const target of ['any', 'prefer-standby'] as const) {
    const lease = await h.manager.acquire({ target })
    expect(lease.endpoint.id).toBe('a')
    lease.release()
  }
})

test('a request for the primary fails with a message that says read-only, and why', async () => {
  await readOnlyPrimary()
  const failing = expectLater(h.manager.acquire({ timeoutMs: 1000 }))
  await h.clock.advance(2000)
  await expect(failing).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    phase: 'no-endpoint',
    message: expect.stringMatching(
      /the primary a is read-only: it refuses writes \(default_transaction_read_only\)/,
    ),
  })
})

test('where only standbys answer the message says that these are read-only', async () => {
  await readOnlyPrimary()
  h.driver.server('a').crash()
  await h.clock.advance(30_000)
  const failing = expectLater(h.manager.acquire({ timeoutMs: 1000 }))
  await h.clock.advance(2000)
  await expect(failing).rejects.toMatchObject({
    message: expect.stringContaining('only standbys answer, which are read-only'),
  })
})

test('writes go on once it takes them again, and reads that waited have not been lost', async () => {
  await readOnlyPrimary()
  const waiting = h.manager.acquire({ timeoutMs: 20_000 })
  h.driver.server('a').writable = true
  await h.clock.advance(5000)
  const lease = await waiting
  expect(lease.endpoint.id).toBe('a')
  lease.release()
})
