// A process for contenders that are no peers of each other: in one process with its peers, the garbage of one would be
// collected in the time of another, and V8 would compile what they share for all of them at once. Its arguments are the
// module of a suite, which exports `cases`, and the URL of the server. Runs a window at each message.
import { type Cases, ROWS, type Subject } from '../subjects.js'
import type { Window, WindowOrder } from './window.js'

const [file = '', url = ''] = process.argv.slice(2)
const open = new Map<string, Promise<Subject>>()

async function subjectOf({ case: name, contender }: WindowOrder): Promise<Subject> {
  const { cases } = (await import(file)) as { cases: Cases }
  const opener = cases[name]?.[contender]
  if (opener === undefined) throw new Error(`no contender ${contender} in case ${name}`)
  return opener(url)
}

async function follow(order: WindowOrder): Promise<Window> {
  const key = JSON.stringify([order.case, order.contender])
  let subject = open.get(key)
  if (subject === undefined) {
    subject = subjectOf(order)
    open.set(key, subject)
  }
  const { close, query } = await subject
  const window = await run(query, order)
  if (order.isLast) {
    open.delete(key)
    await close()
  }
  return window
}

async function run(query: Subject['query'], { callers, durationMs }: WindowOrder): Promise<Window> {
  const latencies: number[] = []
  const used = process.cpuUsage()
  const start = performance.now()
  const end = start + durationMs
  await Promise.all(
    Array.from({ length: callers }, async (_each, caller) => {
      for (let begun = performance.now(); begun < end; ) {
        await query((caller * 7919 + latencies.length) % ROWS)
        const now = performance.now()
        latencies.push((now - begun) * 1e6)
        begun = now
      }
    }),
  )
  const queries = latencies.length
  const wall = ((performance.now() - start) * 1e6) / queries
  const { system, user } = process.cpuUsage(used)
  const processor = ((user + system) * 1000) / queries
  return { wall, processor, queries, latencies: Float64Array.from(latencies) }
}

process.on('message', (order: WindowOrder) => {
  follow(order).then(
    (window) => process.send?.(window),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
