import { now } from '../now.js'
import type { PeerClient } from './client.js'
import type { Command, Rejection, Report } from './messages.js'
import { loadPeerDatabase } from './peer-database.js'

const WRITES_PER_SECOND = 50
const MOST_IN_FLIGHT = 10
const TICK_MS = 10
/** How long writes in flight may take at the end before they count as hanging. */
const PATIENCE_MS = 4000
const OUTCOME_UNKNOWN = ['08007', 'CONNMGR_COMMIT_OUTCOME_UNKNOWN']

/** The program of a client's process. It has no handlers for uncaught errors: what kills a service kills it too. */
class Writer {
  readonly #client: PeerClient
  #timer: NodeJS.Timeout | undefined
  #next = 0
  #inFlight = 0

  constructor(client: PeerClient) {
    this.#client = client
  }

  start(): void {
    const start = now()
    let used = 0
    this.#timer = setInterval(() => {
      const due = Math.floor(((now() - start) * WRITES_PER_SECOND) / 1000)
      for (; used < due; used += 1) {
        // Turns that find everybody waiting are left out, not made up for.
        if (this.#inFlight < MOST_IN_FLIGHT) void this.#write()
      }
    }, TICK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const deadline = now() + PATIENCE_MS
    while (this.#inFlight > 0 && now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    }
  }

  async #write(): Promise<void> {
    this.#next += 1
    const id = String(this.#next)
    this.#inFlight += 1
    report({ type: 'begun', id, at: now() })
    try {
      await this.#client.write(id)
      report({ type: 'written', id, at: now() })
    } catch (error) {
      report({ type: 'rejected', id, at: now(), rejection: rejectionOf(error) })
    } finally {
      this.#inFlight -= 1
    }
  }
}

function rejectionOf(error: unknown): Rejection {
  const chain = [...withCauses(error)]
  const codes = chain.map(({ code }) => code).filter((code) => typeof code === 'string')
  return {
    code: codes[0] ?? 'none',
    message: String(chain[0]?.message ?? error).slice(0, 200),
    reportedUnknown:
      codes.some((code) => OUTCOME_UNKNOWN.includes(code)) ||
      chain.some(({ name }) => name === 'TransactionResolutionUnknownError'),
  }
}

/** An error and those it wraps. */
function* withCauses(
  error: unknown,
): Generator<{ code?: unknown; name?: unknown; message?: unknown }> {
  let current = error
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    yield current
    const { cause, driverError } = current as { cause?: unknown; driverError?: unknown }
    current = driverError ?? cause
  }
}

function report(message: Report): void {
  process.send?.(message)
}

let writer: Writer | undefined

async function obey(command: Command): Promise<void> {
  if (command.type === 'open') {
    const { peers } = await loadPeerDatabase(command.database)
    const peer = peers.find(({ name }) => name === command.peer)
    if (peer === undefined) throw new Error(`there is no client ${command.peer}`)
    const client = await peer.load()
    await client.open(command.urls)
    // The first write opens what a client opens only then.
    await client.write('warm-up')
    writer = new Writer(client)
    report({ type: 'ready' })
  } else if (command.type === 'start') writer?.start()
  else {
    await writer?.stop()
    report({ type: 'stopped' })
  }
}

process.on('message', (command: Command) => {
  obey(command).catch((error: unknown) => {
    report({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  })
})
// The process that started us has gone.
process.on('disconnect', () => process.exit(0))
