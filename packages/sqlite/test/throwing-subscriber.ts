// A program with a subscriber that throws: prints what has become of its statement, and of the error.
import diagnostics from 'node:diagnostics_channel'
import { createConnectionManager } from '@connmgr/sqlite'

const uncaught: string[] = []
process.on('uncaughtException', (error) => uncaught.push(error.message))

async function main(): Promise<void> {
  const manager = createConnectionManager({ filename: ':memory:', logger: false })
  const heard: string[] = []
  for (const moment of ['start', 'end', 'asyncEnd'] as const) {
    diagnostics.subscribe(`tracing:connmgr:query:${moment}`, () => {
      throw new Error(`thrown in ${moment}`)
    })
    diagnostics.subscribe(`tracing:connmgr:query:${moment}`, () => heard.push(moment))
  }
  const rows = await manager.use((db) => db.all('select 42 as answer'))
  await new Promise(setImmediate)
  const { idle, inUse } = manager.getCounts()
  await manager.close()
  process.stdout.write(JSON.stringify({ rows, heard, uncaught, idle, inUse }))
}

void main()
