// Works without a pause, and tells how what it began right after a stop of the process has ended.
import { performance } from 'node:perf_hooks'
import { createConnectionManager } from '@connmgr/pg'

const [databaseUrl = '', failoverUrl = ''] = process.argv.slice(2)
const STOP_MS = 1500
const TICK_MS = 5
/** After a stop, work is begun for so many ticks. */
const TICKS = 40

const manager = createConnectionManager({
  databaseUrl,
  failoverUrls: [failoverUrl],
  poolSize: 4,
  maxOverflow: 20,
  acquireTimeoutMs: 20_000,
  // What was under way at the stop hangs for good; it is not part of the report.
  queryTimeoutMs: 5000,
  logger: false,
})
const shared = createConnectionManager({
  databaseUrl,
  failoverUrls: [failoverUrl],
  shared: true,
  acquireTimeoutMs: 20_000,
  queryTimeoutMs: 5000,
  logger: false,
})

const KINDS: Record<string, () => Promise<unknown>> = {
  query: () => manager.pool.query('select 1'),
  lane: () => shared.pool.query('select $1::int', [1]),
  use: () => manager.use((client) => client.query('select 1')),
  transaction: () => manager.transaction((client) => client.query('select 1')),
  client: async () => {
    const client = await manager.pool.connect()
    try {
      await client.query('begin')
      await client.query('commit')
    } finally {
      client.release()
    }
  },
}

const ended: { kind: string; tookMs: number; error?: string }[] = []

async function note(kind: string, work: () => Promise<unknown>): Promise<void> {
  const from = performance.now()
  const failed = await work().then(
    () => undefined,
    (error: Error) => error.message,
  )
  ended.push({ kind, tookMs: performance.now() - from, ...(failed && { error: failed }) })
}

async function main(): Promise<void> {
  for (const work of Object.values(KINDS)) await work()
  let last = performance.now()
  let ticksLeft = Number.POSITIVE_INFINITY
  const judged: Promise<void>[] = []
  console.log('ready')
  const tick = setInterval(() => {
    const stopped = performance.now() - last > STOP_MS
    last = performance.now()
    if (stopped) ticksLeft = TICKS
    for (const [kind, work] of Object.entries(KINDS)) {
      if (Number.isFinite(ticksLeft)) judged.push(note(kind, work))
      else work().catch(() => {})
    }
    ticksLeft -= 1
    if (ticksLeft > 0) return
    clearInterval(tick)
    void Promise.all(judged).then(async () => {
      console.log(JSON.stringify(ended))
      await Promise.all([manager.close({ drainTimeoutMs: 0 }), shared.close({ drainTimeoutMs: 0 })])
    })
  }, TICK_MS)
}

void main()
