import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { startCluster } from '@connmgr/testing'
import { interleave } from '../measure.js'
import type { Measured, Suite } from '../suite.js'

const CONTENDERS = ['connmgr', 'pg-pool', 'postgres.js'] as const
const PROGRAM = path.join(__dirname, '..', 'start-up.js')
/** Processes of each contender for each of the rounds, as the start of one varies more than a query does. */
const PROCESSES_PER_ROUND = 3

interface StartUp {
  readonly nanoseconds: number
  readonly processorMs: number
  /** Of CommonJS. */
  readonly files: number
}

/** What a serverless function pays at each cold start: a new process loads a library and asks one question. */
export const start: Suite = {
  name: 'start',
  about: 'a new process, from loading the library until its first query is answered',
  peers: ['pg-pool'],
  ifNamed: true,
  async run({ quick, rounds }) {
    const cluster = await startCluster()
    try {
      const cases: Record<string, Measured> = {}
      for (const how of ['require', 'import'])
        cases[how] = await measure(
          how,
          cluster.primary.url(),
          quick ? rounds : rounds * PROCESSES_PER_ROUND,
        )
      return cases
    } finally {
      await cluster.stop()
    }
  },
}

async function measure(how: string, url: string, rounds: number): Promise<Measured> {
  const processor: Record<string, number[]> = {}
  const files: Record<string, number> = {}
  const times = await interleave(
    CONTENDERS.map((name) => ({
      name,
      run: async () => {
        const result = await startUp(name, how, url)
        files[name] = result.files
        processor[name] = [...(processor[name] ?? []), result.processorMs]
        return result.nanoseconds
      },
    })),
    rounds,
  )
  return {
    times,
    also: {
      'processor ms': Object.fromEntries(
        Object.entries(processor).map(([name, all]) => [name, middle(all)]),
      ),
      // Files of ES modules are in no list that a program can read.
      ...(how === 'require' ? { 'files loaded': files } : {}),
    },
  }
}

async function startUp(name: string, how: string, url: string): Promise<StartUp> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, name, how, url])
  return JSON.parse(stdout) as StartUp
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Number((sorted[sorted.length >> 1] as number).toFixed(1))
}
