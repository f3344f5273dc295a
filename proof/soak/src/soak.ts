import { setTimeout as pause } from 'node:timers/promises'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { Accidents, type PostgresCluster, startCluster } from '@connmgr/testing'
import { ClientWatch } from './client-watch.js'
import { Disturbances } from './disturbances.js'
import type { Workplace } from './errand.js'
import { checkAtRest, checkClosed } from './final-checks.js'
import { HandOvers } from './hand-overs.js'
import { Heap, type HeapResult } from './heap.js'
import { Kills } from './kills.js'
import { LeakWatch } from './leak-watch.js'
import { Load } from './load.js'
import { Misuses } from './misuses.js'
import { Random } from './random.js'
import { type Check, none, type SoakResult } from './result.js'
import { MANAGER_OPTIONS, MAX_OVERFLOW, POOL_SIZE, SCHEMA } from './settings.js'
import { Stalls } from './stalls.js'
import { Tally } from './tally.js'
import { Writes } from './writes.js'

const SHOW_EVERY_MS = 5000

/** One manager under load and trouble for some minutes. */
export class Soak {
  readonly #minutes: number
  readonly #seed: number
  readonly #shared: boolean
  readonly #show: (line: string) => void
  readonly #collectGarbage: () => void
  readonly #accidents = new Accidents()
  #cluster: PostgresCluster | undefined
  #manager: PgConnectionManager | undefined

  /** @param shared whether queries of the pool share connections */
  constructor(minutes: number, seed: number, shared: boolean, show: (line: string) => void) {
    if (globalThis.gc === undefined) {
      throw new Error('the garbage collector cannot be called; start node with --expose-gc')
    }
    this.#collectGarbage = globalThis.gc
    this.#minutes = minutes
    this.#seed = seed
    this.#shared = shared
    this.#show = show
  }

  async run(): Promise<SoakResult> {
    const cluster = await startCluster()
    this.#cluster = cluster
    const server = cluster.primary
    await server.query(SCHEMA)
    const manager = createConnectionManager({
      ...MANAGER_OPTIONS,
      databaseUrl: server.url(),
      shared: this.#shared,
    })
    this.#manager = manager
    const kills = new Kills(server)
    const stalls = new Stalls()
    const tally = new Tally(kills)
    const workplace: Workplace = {
      manager,
      clients: new ClientWatch(this.#collectGarbage),
      handOvers: new HandOvers(),
      leaks: new LeakWatch(manager, stalls),
      misuses: new Misuses(manager),
      writes: new Writes(),
    }
    const { clients, handOvers, leaks, misuses, writes } = workplace
    const random = new Random(this.#seed)
    const load = new Load(workplace, tally, random.fork())
    const disturbances = new Disturbances(manager, kills, stalls, random.fork())
    const heap = await this.#watch(tally, handOvers)
    await disturbances.stop()
    await load.stop()
    manager.resize({ poolSize: POOL_SIZE, maxOverflow: MAX_OVERFLOW })
    const atRest = await checkAtRest(manager, server, misuses.detached, clients)
    const [rows] = await server.query<{ count: number }>(
      'select count(*)::int as count from soak_write',
    )
    const found = rows?.count ?? 0
    const metrics = manager.getPoolMetrics()
    await manager.close()
    const checks: Check[] = [
      none('dirty hand-overs', handOvers.dirty),
      none('unexplained errors', tally.unexplained),
      none('acknowledged writes lost', writes.lost(found)),
      none('writes that were not committed', writes.unexpected(found)),
      none('leaks missed', leaks.missed),
      none('leaks reported falsely', leaks.false),
      none('misuses of a lease wrongly reported', misuses.wronglyReported),
      ...atRest,
      ...(await checkClosed(manager, server)),
      checkHeap(heap),
      none('unhandled rejections and uncaught errors', this.#accidents.uncaught),
      none('warnings of the process', this.#accidents.warnings),
    ]
    return {
      minutes: this.#minutes,
      seed: this.#seed,
      ok: checks.every((each) => each.ok),
      operations: Object.fromEntries([...tally.operations].map(([{ name }, each]) => [name, each])),
      happened: {
        'hand-overs checked': handOvers.checked,
        'connections opened': metrics.totalConnectionsCreated,
        'backends killed': kills.count,
        'stalls of the event loop': stalls.count,
        resizes: disturbances.resizes,
        clears: disturbances.clears,
        'leaks reported': metrics.leakedConnections,
        'misuses of a lease': misuses.count,
        'writes acknowledged': writes.acknowledged,
        'writes of unknown outcome': writes.unknown,
      },
      heap,
      checks,
      reports: [...handOvers.reports, ...tally.reports, ...this.#accidents.reports],
    }
  }

  async cleanUp(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
    await this.#cluster?.stop()
  }

  /** Lets it go on for its time, and shows how it goes. */
  async #watch(tally: Tally, handOvers: HandOvers): Promise<HeapResult> {
    const durationMs = this.#minutes * 60_000
    const startedAt = performance.now()
    const heap = new Heap(this.#collectGarbage, durationMs)
    const ticker = setInterval(() => {
      const seconds = Math.round((performance.now() - startedAt) / 1000)
      this.#show(
        `${seconds} s: ${tally.runs} operations, ${tally.unexplained} unexplained errors, ` +
          `${handOvers.checked} hand-overs, ${handOvers.dirty} dirty`,
      )
    }, SHOW_EVERY_MS)
    await pause(durationMs)
    clearInterval(ticker)
    return heap.stop()
  }
}

function checkHeap({
  earlyKb,
  firstKb,
  flat,
  lastKb,
  lateKb,
  slopeKbPerMinute,
}: HeapResult): Check {
  return {
    name: 'heap flat after warm-up',
    ok: flat !== false,
    found:
      flat === undefined
        ? 'too few samples to tell'
        : `first ${firstKb} kB, last ${lastKb} kB, ${slopeKbPerMinute} kB/min, ` +
          `median of the first quarter ${earlyKb} kB, of the last ${lateKb} kB`,
  }
}
