// A script as people write them: it does its work and does not close anything. Says what it does, line by line.
import type { PgManagerOptions } from '@connmgr/pg'
import { type Access, ADAPTERS } from '../adapters.js'

const [adapter = '', work = ''] = process.argv.slice(2)
const options = JSON.parse(process.env.OPTIONS ?? '{}') as PgManagerOptions

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Resolves while the process is kept running by something else than this. */
const whileKept = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })

const WORKS: Readonly<Record<string, (access: Access) => Promise<void>>> = {
  nothing: async () => {},
  query: async ({ query }) => {
    await query('select 1')
  },
  many: async ({ query }) => {
    await Promise.all(Array.from({ length: 8 }, () => query('select 1')))
  },
  transaction: async ({ transaction }) => {
    await transaction(async (query) => {
      await query('select 1')
    })
  },
  /** A connection is held, and nothing else goes on. */
  holding: async ({ leak }) => {
    const giveBack = await leak()
    await whileKept(1500)
    say('kept')
    await giveBack()
  },
  /** A statement is under way. */
  slow: async ({ query }) => {
    await query('select pg_sleep(1.5)::text')
    say('kept')
  },
  /** A caller waits for a server that is not there. */
  waiting: async ({ query }) => {
    await query('select 1').catch(() => say('kept'))
  },
  listening: async ({ connections }) => {
    const stop = await connections.listen('calls', () => {
      say('called')
      stop()
    })
    await whileKept(1000)
    say('kept')
  },
  ready: async ({ connections }) => {
    await connections.checkHealth()
    await connections.start()
    await connections.warmUp(2)
  },
}

async function main(): Promise<void> {
  const access = await ADAPTERS[adapter]?.(options)
  if (access === undefined) throw new Error(`no adapter ${adapter}`)
  await WORKS[work]?.(access)
  say('done')
  // Unless the process is kept for longer than it should be, this is not read.
  await whileKept(Number(process.env.LATE_MS ?? 8000))
  say('late')
}

void main()
