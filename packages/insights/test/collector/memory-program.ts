// Prints the bytes that 500 fingerprints take, with every time that there is, at many call sites. A process of its own:
// the memory of one that runs tests comes and goes. Needs `--expose-gc`.
import { FakeClock, MadeUpManager } from '@connmgr/testing'
import { Collector } from '../../src/collector/collector.js'
import { resolveOptions } from '../../src/options.js'

const manager = new MadeUpManager()
const SITES = 12
/** More than are kept. */
const SHAPES = 520
/** A long list of columns, as ORMs write it. */
const COLUMNS = Array.from({ length: 150 }, (_each, at) => `a_column_${at}`).join(', ')

/** Call sites that differ, made of code that differs. */
const sites = Array.from(
  { length: SITES },
  (_each, at) => new Function('run', `${'\n'.repeat(at)}run() //# sourceURL=/app/site-${at}.js`),
)

function fill(rounds: number): void {
  for (let call = 0; call < rounds; call += 1)
    for (let shape = 0; shape < SHAPES; shape += 1)
      sites[(call + shape) % SITES]?.(() =>
        manager.query(`select ${COLUMNS} from t_${shape} where id = $1`, {
          waitMs: 0.001 * 8 ** call,
          runMs: 0.001 * 7 ** call,
        }),
      )
}

function used(): number {
  for (let time = 0; time < 3; time += 1) globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

fill(1)
const before = used()
const collector = new Collector(
  manager,
  resolveOptions({ maxFingerprints: 500, sampleRate: 0.1 }),
  new FakeClock(),
)
fill(10)
process.stdout.write(
  JSON.stringify({ bytes: used() - before, fingerprints: collector.statements.size }),
)
collector.pause()
