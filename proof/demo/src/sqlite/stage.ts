import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnectionManager, type SqliteConnectionManager } from '@connmgr/sqlite'
import type { LedgerServer } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import type { Load } from '../load.js'
import type { FailoverResult } from '../result.js'
import type { Screen } from '../screen.js'
import { firstWrites, MANAGER_OPTIONS, type Stage, since, sleep, until } from '../stage.js'
import type { Workload } from '../workloads/workload.js'
import { startDrizzle } from './drizzle.js'
import { failureClassOf } from './failure-class.js'
import { startPrisma } from './prisma.js'
import { startTypeorm } from './typeorm.js'

const LOCKED_MS = 1500
const TABLE = 'create table ledger (row integer primary key, id text not null, orm text not null)'

/** One file, with one connection that writes and some that read. */
export class SqliteStage implements Stage {
  readonly heading = '1. One file and three ORMs, one manager: one writes at a time, readers go on'
  readonly leaksAtOnce = false
  readonly outageHeading = '3. Another process takes the lock, and is killed'
  readonly promises = {
    outage: 'callers waited for the lock that another process held',
    writes: 'each ORM wrote again once it was free, on the same objects',
  }
  readonly failureOf = failureClassOf
  readonly #folder = mkdtempSync(join(tmpdir(), 'connmgr-demo-'))
  readonly #file = join(this.#folder, 'demo.db')
  #manager: SqliteConnectionManager | undefined
  #other: ChildProcess | undefined

  async set(screen: Screen): ReturnType<Stage['set']> {
    const manager = createConnectionManager({
      ...MANAGER_OPTIONS,
      filename: this.#file,
      // The demo tells its story itself; errors would still show.
      logger: createLogger({ level: 'error' }),
    })
    this.#manager = manager
    await manager.use((db) => db.exec(TABLE))
    screen.event(`a database in ${this.#file}, over ${manager.library}`)
    const workloads = [
      await startTypeorm(manager, this.#file),
      await startPrisma(manager),
      await startDrizzle(manager),
    ]
    return { manager, workloads }
  }

  async breakAndMend(
    workloads: readonly Workload[],
    load: Load,
    screen: Screen,
  ): Promise<FailoverResult> {
    const manager = this.#set()
    const program = join(__dirname, 'lock-holder.cjs')
    const other = spawn(process.execPath, [program, manager.library, this.#file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#other = other
    await once(other.stdout, 'data')
    const crashAt = new Date().toISOString()
    const lockedAt = performance.now()
    const written = load.acknowledgements.length
    screen.event(`process ${other.pid} has the lock for writing, and keeps it`, 'red')
    await until(() => manager.getPoolMetrics().waiting > 0)
    const detectedAt = performance.now()
    screen.event('writers wait, in the order in which they came; readers go on', 'yellow')
    await sleep(LOCKED_MS)
    const during = load.acknowledgements.length - written
    screen.event(`${during} writes acknowledged meanwhile; kill -9 of process ${other.pid}`, 'red')
    other.kill('SIGKILL')
    await once(other, 'exit')
    const freedAt = performance.now()
    await until(() => workloads.every(({ orm }) => load.firstAfter(orm, freedAt) !== undefined))
    screen.event('every ORM writes again, in the same process, on the same objects', 'green')
    await until(() => manager.getPoolMetrics().waiting === 0)
    const servedAt = performance.now()
    screen.event('all who waited have been served', 'green')
    return {
      crashAt,
      detectedAfterMs: since(detectedAt, lockedAt),
      promotedAfterMs: since(freedAt, lockedAt),
      firstWriteAfterPromotionMs: firstWrites(workloads, load, freedAt),
      rebuiltAfterMs: since(servedAt, lockedAt),
    }
  }

  get ledger(): LedgerServer {
    return {
      query: () =>
        this.#set().use((db) => db.all('select id, count(*) as copies from ledger group by id'), {
          target: 'standby',
        }),
    }
  }

  async clear(): Promise<void> {
    this.#other?.kill('SIGKILL')
    await this.#manager?.close({ drainTimeoutMs: 1000 })
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #set(): SqliteConnectionManager {
    if (this.#manager === undefined) throw new Error('the stage is not set')
    return this.#manager
  }
}
