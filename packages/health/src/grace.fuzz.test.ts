import fc from 'fast-check'
import { close, manage } from '../../core/test/harness.js'
import { ask } from '../test/asking.js'
import { healthHandlers } from './index.js'

const RUNS = Number(process.env.FUZZ_RUNS ?? 60)

type Step =
  | { readonly do: 'crash' | 'start' | 'ask' }
  | { readonly do: 'wait'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ do: 'crash' }, { do: 'start' }, { do: 'ask' }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
)

test('readiness is 200 while the server serves, and for graceMs after, whenever it is asked', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 60_000 }),
      fc.array(step, { maxLength: 15 }),
      async (graceMs, steps) => {
        const h = manage({ healthMonitoring: true })
        const { ready } = healthHandlers(h.manager, { clock: h.clock, graceMs })
        await h.clock.advance(1000)
        let lostAt: number | undefined
        const notice = async () => {
          await h.manager.checkHealth()
          await h.manager.checkHealth()
        }
        for (const each of [...steps, { do: 'ask' } as const]) {
          if (each.do === 'wait') await h.clock.advance(each.ms)
          else if (each.do === 'crash') {
            if (lostAt !== undefined) continue
            lostAt = h.clock.now()
            h.driver.server('a').crash()
            await notice()
          } else if (each.do === 'start') {
            lostAt = undefined
            h.driver.server('a').start()
            await notice()
          } else {
            const expected = lostAt === undefined || h.clock.now() - lostAt < graceMs ? 200 : 503
            expect(ask(ready)[0]).toBe(expected)
          }
        }
        await close(h)
      },
    ),
    { numRuns: RUNS },
  )
})
