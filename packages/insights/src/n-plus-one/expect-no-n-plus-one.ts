import diagnostics from 'node:diagnostics_channel'
import type { QueryContext } from '@connmgr/core'
import { notedOrigin, rejectUnknownOptions, systemClock } from '@connmgr/core/driver'
import { NO_PATH, type Path, Paths } from '../collector/paths.js'
import { Fingerprints } from '../fingerprint/fingerprints.js'
import { checkThreshold } from '../options.js'
import type { CodePlace, NPlusOneVerdict } from '../snapshot.js'
import { currentRequest, runAsRequest, watchHttpRequests } from './requests.js'
import { Unit, type UnitContext } from './unit.js'
import { Verdicts } from './verdicts.js'

/** Small, as tests have few rows. */
const DEFAULT_THRESHOLD = 3

const queries = diagnostics.tracingChannel<string, QueryContext>('connmgr:query')

/** Those that {@link expectNoNPlusOne} has made. */
const ofTests = new WeakSet<object>()

/** Options of {@link expectNoNPlusOne}. */
export interface ExpectNoNPlusOneOptions {
  /** So many reads of one shape, from one place, are N+1. @default 3 */
  readonly threshold?: number
}

/** What {@link expectNoNPlusOne} rejects with. */
export class NPlusOneError extends Error {
  readonly code = 'CONNMGR_N_PLUS_ONE'
  /** All that was found, the costliest first. */
  readonly verdicts: readonly NPlusOneVerdict[]

  constructor(verdicts: readonly NPlusOneVerdict[]) {
    super(verdicts.map(sentenceOf).join('\n'))
    this.name = 'NPlusOneError'
    this.verdicts = verdicts
  }
}

/**
 * Runs `work` and rejects if it repeats a read in one place, on any manager: for tests. Needs no {@link insights}.
 *
 * @returns what `work` returns
 * @throws NPlusOneError `CONNMGR_N_PLUS_ONE`: names the statement, how often it ran, and the file and line
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * test('lists orders in two statements', () => expectNoNPlusOne(() => listOrders()))
 */
export async function expectNoNPlusOne<T>(
  work: () => Promise<T> | T,
  options: ExpectNoNPlusOneOptions = {},
): Promise<T> {
  rejectUnknownOptions(options, ['threshold'], 'expectNoNPlusOne()')
  const threshold = checkThreshold('threshold', options.threshold ?? DEFAULT_THRESHOLD)
  const watch = new TestWatch(threshold)
  try {
    const result = await runAsRequest(async () => {
      watch.begin()
      return work()
    })
    const verdicts = watch.verdicts()
    if (verdicts.length > 0) throw new NPlusOneError(verdicts)
    return result
  } finally {
    watch.end()
  }
}

/** Counts the reads of one test, on all managers. */
class TestWatch {
  readonly #verdicts = new Verdicts()
  readonly #context: UnitContext
  readonly #units = new Map<object, Unit>()
  readonly #paths = new Paths(systemClock, 1)
  readonly #fingerprints = new Map<string, Fingerprints>()
  readonly #begun = new Map<QueryContext, { readonly path: Path; readonly unit: Unit }>()
  #request: object | undefined
  #endHttp: (() => void) | undefined

  constructor(threshold: number) {
    const wallTime = (): number => systemClock.wallTime()
    this.#context = { threshold, verdicts: this.#verdicts, thorough: true, wallTime }
  }

  begin(): void {
    this.#request = currentRequest()
    if (this.#request !== undefined) ofTests.add(this.#request)
    // Requests that the test makes of a server in its own process.
    this.#endHttp = watchHttpRequests()
    queries.start.subscribe(this.#onStart)
    queries.asyncEnd.subscribe(this.#onEnd)
  }

  end(): void {
    queries.start.unsubscribe(this.#onStart)
    queries.asyncEnd.unsubscribe(this.#onEnd)
    this.#endHttp?.()
  }

  verdicts(): NPlusOneVerdict[] {
    return this.#verdicts.list()
  }

  readonly #onStart = (message: unknown): void => {
    const context = message as QueryContext
    const unit = this.#unit()
    const { fingerprint } = this.#of(context)
    if (unit === undefined || !fingerprint.repeatable) return
    unit.begin(fingerprint, context.startedAt)
    const path = this.#paths.read(this.#onStart, notedOrigin())
    if (path !== NO_PATH) unit.came(fingerprint, path)
    this.#begun.set(context, { path, unit })
  }

  readonly #onEnd = (message: unknown): void => {
    const context = message as QueryContext
    const begun = this.#begun.get(context)
    if (begun === undefined) return
    this.#begun.delete(context)
    const { rowCount = 0, runMs = 0, startedAt, waitMs = 0 } = context
    const endedAt = startedAt + waitMs + runMs
    begun.unit.end(this.#of(context).fingerprint, begun.path, {
      rows: rowCount,
      runMs,
      at: endedAt,
      failed: context.error !== undefined,
    })
  }

  /** Undefined for what belongs to another test, or runs in the background. */
  #unit(): Unit | undefined {
    const request = currentRequest()
    if (request === undefined || (request !== this.#request && ofTests.has(request)))
      return undefined
    let unit = this.#units.get(request)
    if (unit === undefined) {
      unit = new Unit(this.#context, 'request')
      this.#units.set(request, unit)
    }
    return unit
  }

  #of({ database, text }: QueryContext): ReturnType<Fingerprints['of']> {
    let fingerprints = this.#fingerprints.get(database)
    if (fingerprints === undefined) {
      fingerprints = new Fingerprints(database)
      this.#fingerprints.set(database, fingerprints)
    }
    return fingerprints.of(text)
  }
}

function sentenceOf({ maxRepeats, parent, path, site, text }: NPlusOneVerdict): string {
  const callers = path
    .slice(1)
    .map((each) => `\n    called by ${placeOf(each)}`)
    .join('')
  const before =
    parent === undefined
      ? ''
      : `\n    after ${parent.text}${parent.site === undefined ? '' : ` at ${placeOf(parent.site)}`}`
  return (
    `N+1: the same statement ran ${maxRepeats} times at ${placeOf(site)}: ${text}${callers}${before}\n` +
    '    load the rows for all parents in one statement (a join, IN, or the eager loading of the ORM)'
  )
}

function placeOf({ file, functionName, line }: CodePlace): string {
  return `${functionName} (${file}:${line})`
}
