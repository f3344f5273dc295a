// A program with a subscriber that throws: prints what has become of its statement, and of the error.
import diagnostics from 'node:diagnostics_channel'
import { ConnectionManager } from '@connmgr/core'
import { FakeDriver } from '../../testing/src/fake/fake-driver.js'
import { fakeEndpoint } from '../../testing/src/fake/fake-endpoint.js'

const uncaught: string[] = []
process.on('uncaughtException', (error) => uncaught.push(error.message))

async function main(): Promise<void> {
  const manager = new ConnectionManager({
    driver: new FakeDriver(),
    endpoints: [fakeEndpoint('a')],
    options: { logger: false },
  })
  const received: string[] = []
  for (const moment of ['start', 'end', 'asyncEnd'] as const) {
    diagnostics.subscribe(`tracing:connmgr:query:${moment}`, () => {
      throw new Error(`thrown in ${moment}`)
    })
    diagnostics.subscribe(`tracing:connmgr:query:${moment}`, () => received.push(moment))
  }
  await manager.use((connection) => connection.query('select 1'))
  await new Promise(setImmediate)
  const { idle, inUse } = manager.getCounts()
  await manager.close()
  process.stdout.write(JSON.stringify({ received, uncaught, idle, inUse }))
}

void main()
