import { FakeClock } from '@connmgr/testing'
import type { Path } from '../collector/paths.js'
import { fingerprintOf } from '../fingerprint/fingerprints.js'
import { LooseRuns } from './loose-runs.js'
import { Unit } from './unit.js'
import { Verdicts } from './verdicts.js'

const PARENT = 'select * from users'
const CHILD = 'select * from posts where user_id = $1'
const OTHER = 'select * from tags where user_id = $1'
const HERE = pathAt(1)

function pathAt(line: number): Path {
  const site = { functionName: 'f', file: '/app/a.ts', line, column: 1 }
  return { places: [site], site, siteKey: `/app/a.ts:${line}` }
}

/** Runs statements one after another on a clock of its own. */
function runner(kind: 'unit' | 'loose', threshold = 5) {
  const clock = new FakeClock()
  const verdicts = new Verdicts()
  const context = { threshold, verdicts, thorough: false, wallTime: () => clock.wallTime() }
  let counter = kind === 'unit' ? new Unit(context, 'request') : new LooseRuns(context)
  let now = 0
  const run = (
    text: string,
    { rows = 1, path = HERE, pauseMs = 0, runMs = 1, failed = false } = {},
  ): void => {
    const { fingerprint } = fingerprintOf(text, 'postgresql')
    now += pauseMs
    if (counter instanceof Unit && !fingerprint.repeatable) return
    if (counter.begin(fingerprint, now)) counter.came(fingerprint, path)
    now += runMs
    counter.end(fingerprint, path, { runMs, rows, at: now, failed })
  }
  return {
    run,
    again: () => {
      if (counter instanceof Unit) counter = new Unit(context, 'request')
    },
    get found() {
      if (counter instanceof LooseRuns) counter.settle()
      return verdicts.list()
    },
  }
}

const times = (count: number, work: (n: number) => void) => {
  for (let n = 0; n < count; n += 1) work(n)
}

describe('in a request', () => {
  test('a read that is repeated from one place is N+1, once for each request', () => {
    const unit = runner('unit')
    times(3, () => {
      unit.again()
      unit.run(PARENT, { rows: 8 })
      times(8, () => unit.run(CHILD))
    })
    expect(unit.found).toMatchObject([
      { contexts: 3, maxRepeats: 8, meanRepeats: 8, totalRunMs: 24, evidence: 'request' },
    ])
    expect(unit.found[0]?.parent?.text).toBe(PARENT)
  })

  test.each([
    ['fewer times than the threshold', () => ({ text: CHILD, count: 4 })],
    ['from many places', () => ({ text: CHILD, count: 20, path: pathAt })],
    [
      'as pages of a large result',
      () => ({ text: 'select * from posts where id > $1 limit 500', count: 20, rows: 500 }),
    ],
    [
      'as small pages, each after the last row of the one before',
      () => ({
        text: 'select * from posts where id > $1 order by id limit 20',
        count: 20,
        rows: 20,
      }),
    ],
    [
      'as small pages by their number',
      () => ({ text: 'select * from posts order by id limit $1 offset $2', count: 20, rows: 10 }),
    ],
    [
      'as ranges of a large result',
      () => ({ text: 'select * from posts where id between $1 and $2', count: 20, rows: 500 }),
    ],
    [
      'in batches of keys',
      () => ({ text: 'select * from posts where id = any($1)', count: 20, rows: 50 }),
    ],
    ['as tries of what has failed', () => ({ text: CHILD, count: 20, failed: true })],
    ['with pauses, as polling does', () => ({ text: CHILD, count: 20, pauseMs: 1000 })],
    ['inserts', () => ({ text: 'insert into a values ($1), ($2)', count: 50 })],
    ['updates', () => ({ text: 'update a set b = $1 where id = $2', count: 50 })],
    [
      'a queue that takes its next job',
      () => ({ text: 'select * from jobs limit 1 for update skip locked', count: 50 }),
    ],
    ['statements of no table', () => ({ text: 'select now()', count: 50 })],
  ])(
    'is no N+1: %s',
    (_name, make: () => {
      text: string
      count: number
      path?: (n: number) => Path
      rows?: number
      pauseMs?: number
      failed?: boolean
    }) => {
      const { count, failed = false, path, pauseMs = 0, rows = 1, text } = make()
      const unit = runner('unit')
      times(count, (n) => unit.run(text, { rows, pauseMs, failed, path: path?.(n) ?? HERE }))
      expect(unit.found).toEqual([])
    },
  )

  test.each([
    ['the first few', 'select * from posts where user_id = $1 order by id desc limit 3'],
    ['those of a list of one', 'select * from posts where user_id in ($1)'],
    ['all', CHILD],
  ])(
    'several children of each row are N+1, by the statement before the first: %s',
    (_which, text) => {
      const unit = runner('unit')
      unit.run(PARENT, { rows: 8 })
      times(8, () => unit.run(text, { rows: 3 }))
      expect(unit.found).toMatchObject([{ maxRepeats: 8, parent: { text: PARENT } }])
    },
  )

  test('children by the hundreds are N+1 after a read of their parents', () => {
    const unit = runner('unit')
    unit.run(PARENT, { rows: 8 })
    times(8, () => unit.run(CHILD, { rows: 400 }))
    expect(unit.found).toMatchObject([{ maxRepeats: 8, parent: { text: PARENT } }])
  })

  test('one row with very many children among others hides no N+1', () => {
    const unit = runner('unit')
    times(8, (n) => unit.run(CHILD, { rows: n === 0 ? 5000 : 3 }))
    expect(unit.found).toMatchObject([{ maxRepeats: 8 }])
  })

  test('batches of the keys of a longer list are none', () => {
    const unit = runner('unit')
    unit.run(PARENT, { rows: 600 })
    times(12, () => unit.run('select * from posts where user_id = any($1)', { rows: 50 }))
    expect(unit.found).toEqual([])
  })
})

describe('without requests', () => {
  test('a read once for each row of the one before is N+1, also where two alternate', () => {
    const loose = runner('loose')
    loose.run(PARENT, { rows: 7 })
    times(7, () => {
      loose.run(CHILD)
      loose.run(OTHER)
    })
    expect(loose.found).toMatchObject([
      { text: CHILD.replace('$1', '?'), maxRepeats: 7, evidence: 'parent-rows' },
      { text: OTHER.replace('$1', '?'), maxRepeats: 7, evidence: 'parent-rows' },
    ])
    expect(loose.found[0]?.parent?.text).toBe(PARENT)
  })

  test.each([1, 50])('other writes after it, such as %p, change nothing', (writes) => {
    const loose = runner('loose')
    loose.run(PARENT, { rows: 7 })
    times(7, () => loose.run(CHILD))
    times(writes, () => loose.run('insert into totals values ($1)'))
    expect(loose.found).toMatchObject([{ maxRepeats: 7, evidence: 'parent-rows' }])
  })

  test.each([
    [
      'another number of times than there are rows',
      (run) => {
        run(PARENT, { rows: 7 })
        times(12, () => run(CHILD))
      },
    ],
    [
      'jobs, each of which reads what it needs and is marked as done',
      (run) => {
        run("select * from jobs where state = 'new' limit 7", { rows: 7 })
        times(7, () => {
          run(CHILD)
          run("update jobs set state = 'done' where id = $1")
        })
      },
    ],
    [
      'jobs that run at once',
      (run) => {
        run("select * from jobs where state = 'new' limit 7", { rows: 7 })
        times(7, () => run(CHILD))
        times(7, () => run("update jobs set state = 'done' where id = $1"))
      },
    ],
    [
      'as many tries as there are rows, most of which fail',
      (run) => {
        run(PARENT, { rows: 7 })
        times(7, () => run(CHILD, { failed: true }))
        times(3, () => run(CHILD))
      },
    ],
    ['after nothing', (run) => times(1000, () => run(CHILD))],
    [
      'with other statements between',
      (run) => {
        run(PARENT, { rows: 7 })
        times(7, (n) => {
          run(CHILD)
          run(`select * from t_${n}`)
        })
      },
    ],
    [
      'twenty endpoints, one after another',
      (run) =>
        times(400, (n) => {
          run('select * from sessions where token = $1')
          run(`select * from t_${(n * 7) % 20} limit 10`, { rows: 10 })
        }),
    ],
  ] as [string, (run: ReturnType<typeof runner>['run']) => void][])(
    'is no N+1: %s',
    (_name, work) => {
      const loose = runner('loose')
      work(loose.run)
      expect(loose.found).toEqual([])
    },
  )
})
