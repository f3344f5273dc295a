import { attempt as attemptTo } from '../bounded.js'
import type { Clock } from '../clock.js'
import type { FailureKind } from '../driver.js'
import { CommitOutcomeUnknownError, ConnectionLostError } from '../errors.js'
import type { EventEmitter } from '../events/emitter.js'
import { summarize, type WorkReplayedEvent } from '../events/events.js'
import { pauseBeforeReplay } from './decide.js'
import { Effects, runNoting } from './effects.js'
import { type Failure, failureOf, unwrapped } from './failure.js'
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

/** Runs units of work, again if they fail without effect and were declared to bear it. */
export class Replayer {
  readonly #name: string
  readonly #clock: Clock
  readonly #events: EventEmitter
  readonly #classify: (error: unknown) => FailureKind
  readonly #deadlineMs: number
  readonly #stats = { replays: 0, recovered: 0, failed: 0, resolved: 0 }

  /** @param deadlineMs of units that name none */
  constructor(
    name: string,
    clock: Clock,
    events: EventEmitter,
    classify: (error: unknown) => FailureKind,
    deadlineMs: number,
  ) {
    this.#name = name
    this.#clock = clock
    this.#events = events
    this.#classify = classify
    this.#deadlineMs = deadlineMs
  }

  get stats(): ReplayStats {
    return { ...this.#stats }
  }

  async run<T>(unit: Unit<T>): Promise<T> {
    const { mode, options } = unit
    const startedAt = this.#clock.now()
    const deadlineMs = options.deadlineMs ?? this.#deadlineMs
    for (let attempt = 1; ; attempt += 1) {
      const leftMs = deadlineMs - (this.#clock.now() - startedAt)
      const effects = new Effects()
      let error: unknown
      try {
        const running = (): Promise<T> =>
          attemptTo(() => unit.run(attempt, mode === 'never' ? undefined : Math.max(0, leftMs)))
        // A single statement has nothing beside it.
        const noting = mode === 'safe' && unit.kind !== 'statement'
        const result = await (noting ? runNoting(effects, running) : running())
        if (attempt > 1) this.#stats.recovered += 1
        return result
      } catch (thrown) {
        error = thrown
      }
      const failure = this.#judge(unit, error, effects)
      const outcome = failure === 'unknown' ? await this.#resolve(unit, error, attempt) : undefined
      if (typeof outcome === 'object') return outcome.committed
      const pauseMs = pauseBeforeReplay(
        {
          mode,
          failure,
          outcome,
          kept: effects.keptBeside(failure === 'unknown'),
          attempt,
          elapsedMs: this.#clock.now() - startedAt,
          deadlineMs,
        },
        this.#clock.random(),
      )
      if (pauseMs === undefined || options.signal?.aborted === true) {
        if (mode !== 'never' && failure !== 'other') this.#stats.failed += 1
        throw outcome === 'not-committed' ? undone(error) : error
      }
      effects.abandon()
      await this.#pause(pauseMs)
      this.#stats.replays += 1
      this.#events.emit({
        type: 'workReplayed',
        pool: this.#name,
        unit: unit.kind,
        attempt: attempt + 1,
        reason: failure as WorkReplayedEvent['reason'],
        durationMs: this.#clock.now() - startedAt,
        error: summarize(error),
      })
    }
  }

  #judge<T>(unit: Unit<T>, error: unknown, effects: Effects): Failure {
    const failure = failureOf(error, this.#classify)
    // Some ORMs tell of the loss of a connection in words of their own, which say nothing of it.
    if (failure === 'other' && effects.connectionLost) return 'aborted'
    return unit.judge?.(failure, error) ?? failure
  }

  /** Asks the caller what has become of a commit. If that fails, nobody knows still. */
  async #resolve<T>(
    unit: Unit<T>,
    error: unknown,
    attempt: number,
  ): Promise<UnitOutcome<T> | undefined> {
    if (unit.outcome === undefined) return undefined
    try {
      const outcome = await unit.outcome(asUnknown(error), attempt)
      if (outcome !== 'unknown') this.#stats.resolved += 1
      return outcome
    } catch (failed) {
      this.#events.emit({
        type: 'listenerFailed',
        pool: this.#name,
        reason: 'the function "outcome" failed, so the outcome of a commit stays unknown',
        error: summarize(failed),
      })
      return 'unknown'
    }
  }

  #pause(pauseMs: number): Promise<void> {
    if (pauseMs === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#clock.setTimeout(resolve, pauseMs, true)
    })
  }
}

/** The error of unknown outcome in whatever an ORM has made of it; an ORM may have kept its code alone. */
function asUnknown(error: unknown): CommitOutcomeUnknownError {
  for (const each of unwrapped(error)) if (each instanceof CommitOutcomeUnknownError) return each
  return new CommitOutcomeUnknownError(error)
}

function undone(error: unknown): ConnectionLostError {
  return new ConnectionLostError(
    'the connection was lost while COMMIT was in flight, and nothing was committed, as the function "outcome" has found',
    error,
  )
}
