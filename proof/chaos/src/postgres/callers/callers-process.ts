// A process of its own with a manager and its callers; callers.ts starts it.
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { Ledger } from '../../../../demo/src/ledger.js'
import { Accidents } from '../../../../soak/src/accidents.js'
import { Load } from '../../load.js'
import { now } from '../../now.js'
import type { Operation } from '../../operation-log.js'
import { Recorder } from '../../recorder.js'
import { APPLICATION_NAME } from '../connections.js'
import { type OrmWork, startWork } from '../orms.js'
import type { CallersCommand, CallersReport, CallersSettings } from './messages.js'

const accidents = new Accidents()
let manager: PgConnectionManager | undefined
let work: OrmWork | undefined
let load: Load | undefined

/** Tells the parent of each operation as it ends, so that it knows of them whatever becomes of this process. */
class ReportedLoad extends Load {
  override add(operation: Operation): void {
    super.add(operation)
    tell({ type: 'operation', operation })
  }
}

async function start({
  name,
  orm,
  urls,
  load: options,
  ...settings
}: CallersSettings): Promise<void> {
  const [databaseUrl, ...failoverUrls] = urls
  manager = createConnectionManager({
    name,
    logger: false,
    ...settings.manager,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    failoverUrls,
    clientConfig: { application_name: APPLICATION_NAME },
  })
  new Recorder(manager, (recorded) => tell({ type: 'event', recorded }))
  await manager.start()
  work = await startWork(orm, manager)
  load = new ReportedLoad({ ...work, orm: `${orm}-${name}` }, new Ledger(), options)
  tell({ type: 'ready' })
}

async function stop(drainTimeoutMs: number): Promise<void> {
  load?.pause()
  const from = now()
  await manager?.close({ drainTimeoutMs })
  const closeMs = now() - from
  await load?.stop()
  await work?.close()
  tell({ type: 'closed', closeMs, crashes: accidents.uncaught })
  // From now on nothing of ours keeps this process: it ends unless the manager left something open.
  process.off('disconnect', leave)
  process.disconnect()
}

function tell(report: CallersReport): void {
  if (process.connected) process.send?.(report)
}

/** The parent is gone. */
function leave(): void {
  process.exit(1)
}

process.on('disconnect', leave)
process.on('message', (command: CallersCommand) => {
  void (command.type === 'start' ? start(command.settings) : stop(command.drainTimeoutMs))
})
