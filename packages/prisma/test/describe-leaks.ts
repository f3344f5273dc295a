import { FakeClock } from '@connmgr/testing'
import { Gate } from './gate.js'
import type { Clients } from './harness.js'

/** Matches `function (file:line:column)` of a function in this file. */
const here = (name: string) =>
  expect.stringMatching(
    new RegExp(`^${name} \\(\\S*packages/prisma/test/describe-leaks\\.ts:\\d+:\\d+\\)$`),
  )

/** Leaks are those of the code that called Prisma. */
export function describeLeaks(clients: Clients): void {
  test('a leak report names the function, file and line that called a transaction which never ends', async () => {
    const clock = new FakeClock()
    const prisma = clients.open({
      leakDetection: { thresholdMs: 60_000 },
      healthMonitoring: false,
      clock,
    })
    const begun = new Gate()
    const stuck = new Gate()
    function forgetTransaction(): Promise<void> {
      // Not awaited: no asynchronous stack leads here.
      return prisma.$transaction(
        async (tx) => {
          await tx.user.count()
          begun.open()
          await stuck.passed
        },
        { timeout: 600_000 },
      )
    }
    const transaction = forgetTransaction()
    await begun.passed
    await clock.advance(61_000)
    expect(prisma.$connections.detectLeaks()).toEqual([
      expect.objectContaining({
        checkedOutBy: here('forgetTransaction'),
        lastQuery: expect.stringContaining('COUNT'),
      }),
    ])
    stuck.open()
    await transaction
    expect(prisma.$connections.detectLeaks()).toEqual([])
  })

  test('does not blame a transaction for what its callback acquires besides', async () => {
    const prisma = clients.open()
    async function borrow(): Promise<unknown[]> {
      const lease = await prisma.$connections.acquire({ target: 'prefer-standby' })
      const holders = prisma.$connections.getHolders()
      lease.release()
      return holders.map(({ checkedOutBy }) => checkedOutBy)
    }
    async function transact(): Promise<unknown[]> {
      return prisma.$transaction(() => borrow())
    }
    expect((await transact()).sort()).toEqual([here('borrow'), here('transact')])
  })
}
