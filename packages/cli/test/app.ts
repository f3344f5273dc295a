// An application that lets the command line look into it, and holds a connection until its input says to go on.
import { serveInspection } from '@connmgr/cli/server'
import { createConnectionManager } from '@connmgr/pg'

const [socket = ''] = process.argv.slice(2)

async function main(): Promise<void> {
  const manager = createConnectionManager({ name: 'app', failoverUrls: [], logger: false })
  const lease = await manager.acquire({ label: 'long export' })
  await lease.connection.query('select 1 as exported')
  await serveInspection(manager, { path: socket })
  process.stdout.write('ready\n')
  // Its input keeps the process running.
  process.stdin.resume()
}

void main()
