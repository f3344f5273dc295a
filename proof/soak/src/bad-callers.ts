import { setTimeout as pause } from 'node:timers/promises'
import type { Operation } from './operation.js'

/** Callers who leave something behind, or do what they should not with their lease. */
export const BAD_CALLERS: readonly Operation[] = [
  {
    name: 'leaves a transaction open',
    weight: 5,
    run: (errand) =>
      errand.borrow(async (_lease, client) => {
        await client.query('begin')
        await errand.writes.insert(client, errand.name)
      }),
  },
  {
    name: 'leaves a failed transaction',
    weight: 3,
    run: (errand) =>
      errand.borrow(async (_lease, client) => {
        await client.query('begin')
        await errand.writes.insert(client, errand.name)
        await client.query('select 1 / 0').catch(() => {})
      }),
  },
  {
    name: 'leaves the session changed',
    weight: 6,
    run: (errand) =>
      errand.borrow(async (_lease, client) => {
        await client.query('set search_path to soak_elsewhere')
        await client.query(`set soak.mark to '${errand.name}'`)
        await client.query('create temporary table soak_scratch (id int)')
      }),
  },
  {
    name: 'leaves a query running',
    weight: 4,
    run: async (errand) => {
      const running: Promise<unknown>[] = []
      await errand.borrow(async (_lease, client) => {
        const seconds = errand.random.between(0, 100) / 1000
        running.push(client.query(`select pg_sleep(${seconds})`))
      })
      await Promise.all(running)
    },
  },
  {
    name: 'leaks for a while',
    weight: 1,
    run: (errand) =>
      errand.borrow(async (lease) => {
        await errand.leaks.holdUntilReported(lease)
        await pause(errand.random.between(0, 500))
      }),
  },
  {
    name: 'destroys its connection',
    weight: 3,
    run: (errand) => errand.borrow(async (lease) => errand.destroy(lease)),
  },
  {
    name: 'has its connection evicted',
    weight: 2,
    run: (errand) =>
      errand.borrow(async (lease) => {
        errand.manager.evict(lease.connectionId)
      }),
  },
  {
    name: 'detaches its connection',
    weight: 1,
    run: (errand) => errand.borrow((lease) => errand.detach(lease).end()),
  },
  {
    name: 'gives back twice',
    weight: 3,
    run: (errand) =>
      errand.borrow(async (lease) => {
        errand.giveBack(lease)
        // The next caller may hold the connection already; it must stay theirs.
        await pause(errand.random.between(0, 20))
        errand.misuses.releaseAgain(lease)
        errand.misuses.destroyAgain(lease)
      }),
  },
]
