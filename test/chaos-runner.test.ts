import { describeResults } from '../proof/chaos/src/report.js'
import { RoundContext } from '../proof/chaos/src/round-context.js'
import { Runner } from '../proof/chaos/src/runner.js'
import type { Scenario, ScenarioResult } from '../proof/chaos/src/scenario.js'

const accidents = { uncaught: 0, reports: [] as string[] }

function run(scenario: Partial<Scenario>, repeat = 1, slowness = 1): Promise<ScenarioResult> {
  const runner = new Runner({
    createContext: (show) => new RoundContext(show),
    repeat,
    show: () => {},
    accidents,
    slowness: () => slowness,
  })
  return runner.run({ id: 1, name: 'a fault', run: async () => ({}), ...scenario })
}

describe('a round of the chaos runner', () => {
  test('is good if everything held, and gives its figures', async () => {
    const result = await run({ run: async () => ({ detectionMs: 12.34, lost: 0 }) })
    expect(result).toMatchObject({
      ok: true,
      failures: [],
      figures: { detectionMs: 12.3, lost: 0 },
    })
  })

  test('fails with what did not hold, and goes on to the end', async () => {
    const result = await run({
      run: async (context) => {
        context.expect(false, 'the sky is green')
        return { detectionMs: 1 }
      },
    })
    expect(result).toMatchObject({ ok: false, failures: ['the sky is green'] })
    expect(result.figures).toMatchObject({ detectionMs: 1 })
  })

  test('fails if it throws, and what it has started is ended all the same', async () => {
    let ended = 0
    const result = await run({
      run: async (context) => {
        context.defer(async () => {
          ended += 1
        })
        throw new Error('no server')
      },
    })
    expect(result.failures).toEqual([expect.stringContaining('no server')])
    expect(ended).toBe(1)
  })

  test('is cut off when it hangs, and says where it was', async () => {
    const result = await run({
      deadlineMs: 20,
      run: (context) => {
        context.step('waits for a server that never comes')
        return new Promise(() => {})
      },
    })
    expect(result.failures).toEqual([
      expect.stringContaining('waits for a server that never comes'),
    ])
  })

  test('fails if there was an error meanwhile that was not caught', async () => {
    const result = await run({
      run: async () => {
        accidents.uncaught += 1
        return {}
      },
    })
    expect(result).toMatchObject({ failures: ['processCrashes is 1'] })
  })

  test.each(['lost', 'duplicated', 'connectionsLeft'])('fails if %s is not 0', async (name) => {
    expect(await run({ run: async () => ({ [name]: 2 }) })).toMatchObject({
      ok: false,
      failures: [`${name} is 2`],
    })
  })

  test('fails if something could not be measured', async () => {
    const result = await run({ run: async () => ({ detectionMs: Number.NaN }) })
    expect(result.failures).toEqual(['detectionMs could not be measured'])
  })
})

describe('several rounds of the chaos runner', () => {
  const scenario = (...values: number[]): Partial<Scenario> => {
    const left = [...values]
    return {
      targets: { detectionMs: 50 },
      run: async () => ({ detectionMs: left.shift() ?? 10 }),
    }
  }

  test('give p50 and p99', async () => {
    const result = await run(scenario(1, 2, 3, 4, 40), 5)
    expect(result).toMatchObject({
      ok: true,
      rounds: 5,
      p50: { detectionMs: 3 },
      figures: { detectionMs: 40 },
    })
  })

  test('hold the p99 to the target once there are many, and are lenient while there are few', async () => {
    expect((await run(scenario(70), 2)).ok).toBe(true)
    const many = await run(scenario(70), 20)
    expect(many.failures).toEqual(['detectionMs is 70 ms, its target is 50 ms'])
    expect((await run(scenario(100_000), 2)).ok).toBe(false)
  })

  test('are the more lenient the busier the machine is, as long as they are few', async () => {
    expect((await run(scenario(400), 2)).ok).toBe(false)
    expect((await run(scenario(400), 2, 10)).ok).toBe(true)
    expect((await run(scenario(400), 20, 10)).ok).toBe(false)
  })
})

test('the table has a column for what every scenario measures, and the reasons of failures below', async () => {
  const text = describeResults([
    await run({ run: async () => ({ detectionMs: 7, failedReads: 0, waiters: 60 }) }),
    await run({ id: 2, name: 'another', run: async () => ({ lost: 1 }) }),
  ])
  const [head, first, second] = text.split('\n')
  expect(head).toContain('detected ms')
  expect(first).toMatch(/^1 {2}ok {6}a fault {3}7 .*waiters 60$/)
  expect(first).not.toContain('failedReads')
  expect(second).toMatch(/^2 {2}FAILED/)
  expect(text).toContain('2. another failed:\n  lost is 1')
  expect(text).toContain('1 of 2 scenarios failed: 2')
})

test('the report says which targets were met, and which were not', async () => {
  const targets = { detectionMs: 50 }
  const text = describeResults([
    await run({ targets, run: async () => ({ detectionMs: 7 }) }),
    await run({ id: 2, targets, run: async () => ({ detectionMs: 90 }) }, 1, 10),
  ])
  expect(text).toContain('detectionMs at most 50 ms: met in 1; not met in 2 (90)')
})
