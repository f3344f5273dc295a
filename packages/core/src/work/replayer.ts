import type { Driver } from '../driver/contract.js'
import { summarize } from '../events/event-parts.js'
import type { WorkReplayedEvent } from '../events/events.js'
import { Effects, runNoting } from '../flow/effects.js'
import type { Pending } from '../flow/pending.js'
import type { Runtime } from '../runtime.js'
import { CommitOutcomeUnknownError, ConnectionLostError } from '../statement-errors.js'
import { attempt as attemptTo } from '../time/bounded.js'
import { pauseBeforeReplay } from './decide.js'
import { type Failure, failureOf, isDeliberate, unwrapped, type Verdicts } from './failure.js'
import type { ReplayMode, ReplayOptions, UnitOutcome } from './options.js'

/** Units of work that were repeated, since the start. Plain data. */
export interface ReplayStats {
  /** Attempts beyond the first. */
  readonly replays: number
  /** Units that succeeded, but not at once. */
  readonly recovered: number
  /** Units that were to be replayed and failed all the same: the deadline had passed, or repeating was not safe. */
  readonly failed: number
  /** Commits of unknown outcome that the caller's `outcome` has resolved. */
  readonly resolved: number
}

/** A unit of work, and how it is to be repeated. */
export interface Unit<T> {
  readonly kind: WorkReplayedEvent['unit']
  readonly mode: ReplayMode
  readonly options: ReplayOptions & { readonly signal?: AbortSignal | undefined }
  /** @param remainingMs until the deadline; undefined if the unit has none */
  readonly run: (attempt: number, remainingMs: number | undefined) => Promise<T>
  readonly outcome?:
    | ((error: CommitOutcomeUnknownError, attempt: number) => Promise<UnitOutcome<T>>)
    | undefined
  /** Corrects what the error alone says. */
  readonly judge?: ((failure: Failure, error: unknown) => Failure) | undefined
}

/** The manager as its units of work see it. */
export interface ReplayerHost {
  readonly driver: Verdicts & Pick<Driver<never>, 'transactions'>
  /** Of units that name none. */
  readonly deadlineMs: number
  /** Counts the units under way. */
  readonly pending: Pending
  /** Whether the manager serves callers no more. */
  readonly closed: () => boolean
}

/** Runs units of work, again if they fail without effect and were declared to bear it. */
export class Replayer {
  readonly #runtime: Runtime
  readonly #host: ReplayerHost
  readonly #stats = { replays: 0, recovered: 0, failed: 0, resolved: 0 }

  constructor(runtime: Runtime, host: ReplayerHost) {
    this.#runtime = runtime
    this.#host = host
  }

  get stats(): ReplayStats {
    return { ...this.#stats }
  }

  run<T>(unit: Unit<T>): Promise<T> {
    return this.#host.pending.track(this.#runAndEnd(unit))
  }

  async #runAndEnd<T>(unit: Unit<T>): Promise<T> {
    const attempts: Effects[] = []
    try {
      return await this.#run(unit, attempts)
    } finally {
      for (const effects of attempts) effects.end()
    }
  }

  async #run<T>(unit: Unit<T>, attempts: Effects[]): Promise<T> {
    const { driver } = this.#host
    const { clock, events, name } = this.#runtime
    const { mode, options } = unit
    const startedAt = clock.now()
    const deadlineMs = options.deadlineMs ?? this.#host.deadlineMs
    for (let attempt = 1; ; attempt += 1) {
      const leftMs = deadlineMs - (clock.now() - startedAt)
      const effects = new Effects()
      attempts.push(effects)
      let error: unknown
      try {
        const running = (): Promise<T> =>
          attemptTo(() => unit.run(attempt, mode === 'never' ? undefined : Math.max(0, leftMs)))
        // A single statement has nothing beside it.
        const noting = mode !== 'never' && unit.kind !== 'statement'
        const result = await (noting ? runNoting(effects, running) : running())
        if (attempt > 1) this.#stats.recovered += 1
        return result
      } catch (thrown) {
        error = thrown
      }
      const said = failureOf(error, driver)
      const failure = unit.judge?.(said, error) ?? said
      const outcome = failure === 'unknown' ? await this.#resolve(unit, error, attempt) : undefined
      if (typeof outcome === 'object') return outcome.committed
      const pauseMs = pauseBeforeReplay(
        {
          mode,
          failure,
          outcome,
          // Some ORMs keep of an error no more than its code.
          deliberate: effects.deliberatelyEnded || isDeliberate(error, driver),
          kept: effects.keptBeside(failure === 'unknown'),
          attempt,
          elapsedMs: clock.now() - startedAt,
          deadlineMs,
        },
        clock.random(),
      )
      const reason = outcome === 'not-committed' ? undone(error) : error
      if (pauseMs === undefined || this.#stopped(unit)) {
        if (mode !== 'never' && failure !== 'other') this.#stats.failed += 1
        throw reason
      }
      effects.abandon()
      await this.#pause(pauseMs, unit.options.signal)
      if (this.#stopped(unit)) throw reason
      this.#stats.replays += 1
      events.emit({
        type: 'workReplayed',
        pool: name,
        unit: unit.kind,
        attempt: attempt + 1,
        reason: failure as WorkReplayedEvent['reason'],
        durationMs: clock.now() - startedAt,
        error: summarize(error),
      })
    }
  }

  /** Whether the unit, or the manager, was ended on purpose. */
  #stopped<T>({ options }: Unit<T>): boolean {
    return options.signal?.aborted === true || this.#host.closed()
  }

  /** Asks the caller what has become of a commit. If that fails, the outcome stays unknown. */
  async #resolve<T>(
    unit: Unit<T>,
    error: unknown,
    attempt: number,
  ): Promise<UnitOutcome<T> | undefined> {
    if (unit.outcome === undefined) return undefined
    try {
      const { transactions } = this.#host.driver
      const unknown = asUnknown(error, transactions?.unknownOutcomeCode)
      const outcome = await unit.outcome(unknown, attempt)
      if (outcome !== 'unknown') this.#stats.resolved += 1
      return outcome
    } catch (failed) {
      this.#runtime.events.emit({
        type: 'listenerFailed',
        pool: this.#runtime.name,
        reason: 'the function "outcome" failed, so the outcome of a commit stays unknown',
        error: summarize(failed),
      })
      return 'unknown'
    }
  }

  /** Ends early when the signal fires. */
  async #pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (pauseMs === 0) return
    let end = (): void => {}
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    const timer = this.#runtime.clock.setTimeout(end, pauseMs, true)
    signal?.addEventListener('abort', end, { once: true })
    await over
    signal?.removeEventListener('abort', end)
    this.#runtime.clock.clearTimeout(timer)
  }
}

/** The error of unknown outcome in whatever an ORM has made of it; an ORM may have kept its code alone. */
function asUnknown(error: unknown, code: string | undefined): CommitOutcomeUnknownError {
  for (const each of unwrapped(error)) if (each instanceof CommitOutcomeUnknownError) return each
  return new CommitOutcomeUnknownError(error, undefined, code)
}

function undone(error: unknown): ConnectionLostError {
  return new ConnectionLostError(
    'the connection was lost while COMMIT was in flight, and nothing was committed, as the function "outcome" has found',
    error,
  )
}
