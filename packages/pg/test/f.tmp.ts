import fc from 'fast-check'
import { outcomeProperty } from '/work/wt/outcome/packages/pg/test/outcome-property.js'

const n = Number(process.argv[2] ?? 500),
  seed = Number(process.argv[3] ?? 1)
const t = Date.now()
fc.check(outcomeProperty, {
  numRuns: n,
  seed,
  path: process.argv[4],
  endOnFailure: process.argv[5] === 'e',
}).then((r) => {
  console.log(
    r.failed
      ? fc.stringify(r.counterexample) +
          '\n' +
          (r.errorInstance as Error).stack +
          ' path ' +
          r.counterexamplePath +
          ' shrinks ' +
          r.numShrinks
      : 'ok',
    Date.now() - t,
    'ms',
    r.numRuns,
  )
})
