import { FakeClock, MadeUpManager } from '@connmgr/testing'
import { resolveOptions } from '../options.js'
import { Collector } from './collector.js'

const manager = new MadeUpManager()

let collectors: Collector[] = []
afterEach(() => {
  for (const each of collectors) each.pause()
  collectors = []
})

function collect(options: Parameters<typeof resolveOptions>[0] = {}): Collector {
  const collector = new Collector(manager, resolveOptions(options), new FakeClock())
  collectors.push(collector)
  return collector
}

test('counts by fingerprint and call site, waiting and running apart', () => {
  const collector = collect()
  const here = () =>
    manager.query('select * from a where id = 1', { waitMs: 3, runMs: 10, rowCount: 2 })
  const there = () =>
    manager.query('select * from a where id = 2', {
      waitMs: 0,
      runMs: 30,
      error: new Error('no'),
      prepared: true,
      transaction: { id: 1 },
    })
  here()
  here()
  there()
  const stats = collector.statements.stats(collector.runMs)
  expect(stats).toMatchObject([
    { calls: 1, errors: 1, prepared: 1, inTransaction: 1, share: 0.6, run: { totalMs: 30 } },
    { calls: 2, errors: 0, rows: 4, share: 0.4, wait: { totalMs: 6 }, run: { totalMs: 20 } },
  ])
  expect(stats[0]?.fingerprint).toBe(stats[1]?.fingerprint)
  expect(stats.map(({ site }) => site?.file)).toEqual([__filename, __filename])
  expect(stats[0]?.site?.line).toBe((stats[1]?.site?.line ?? 0) + 2)
  expect(JSON.stringify(stats)).not.toMatch(/id = [12]/)
})

test('keeps as many fingerprints as it may: those that take time and are used', () => {
  const collector = collect({ maxFingerprints: 20 })
  for (let n = 0; n < 300; n += 1) {
    manager.query('select * from hot', { runMs: 50 })
    manager.query(`select * from cold_${n}`)
  }
  expect(collector.statements.size).toBe(20)
  const [first] = collector.statements.stats(collector.runMs)
  expect(first).toMatchObject({ text: 'select * from hot', calls: 300 })
  expect(collector.statements.forgotten).toBe(300 - 19)
  expect(collector.count).toBe(600)
})
