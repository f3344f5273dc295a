import type { Clock } from '@connmgr/core'
import type { FailureKind } from '@connmgr/core/driver'

/** An error whose meaning the fake driver's `classify` knows. */
export class FakeError extends Error {
  override readonly name = 'FakeError'

  constructor(
    readonly kind: FailureKind,
    message: string = kind,
  ) {
    super(message)
  }
}

/**
 * How one call of the driver turns out.
 *
 * - `'succeed'`: at once
 * - `'hang'`: never, until the attempt is aborted or the connection is destroyed
 * - `{ fail }`: rejects, with the given error or a {@link FakeError} of the given kind
 * - `{ throw }`: throws before there is any promise
 * - `{ afterMs }`: succeeds, or fails if `fail` is there too, when the clock has moved on
 * - `{ until }`: settles as the given promise does
 *
 * `receivedAtMs` tells a login's watcher of something from the server after these times, as long as the server is not hung.
 *
 * `ignoreAbort` makes a slow call go on after its signal was aborted, as a careless driver's does.
 */
export type FakeOutcome =
  | 'succeed'
  | 'hang'
  | { readonly throw: Error }
  | {
      readonly fail?: FailureKind | Error
      readonly afterMs?: number
      readonly until?: Promise<unknown>
      readonly receivedAtMs?: readonly number[]
      readonly ignoreAbort?: boolean
    }

/** What can cut a call short: the attempt's signal, or the end of the connection. */
export interface Interrupt {
  readonly signal?: AbortSignal
  /** Rejects when the connection is gone. */
  readonly gone?: Promise<never>
}

/** Plays an outcome. Throws synchronously only for `{ throw }`. */
export function play(outcome: FakeOutcome, clock: Clock, interrupt: Interrupt): Promise<void> {
  if (outcome === 'succeed') return Promise.resolve()
  if (outcome === 'hang') return race(new Promise<void>(() => {}), interrupt)
  if ('throw' in outcome) throw outcome.throw
  const steps = playSteps(outcome, clock)
  return outcome.ignoreAbort ? steps : race(steps, interrupt)
}

async function playSteps(
  outcome: Exclude<FakeOutcome, string | { readonly throw: Error }>,
  clock: Clock,
): Promise<void> {
  const { afterMs, until, fail } = outcome
  if (afterMs !== undefined) {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, afterMs, true))
  }
  await until
  if (fail !== undefined) throw typeof fail === 'string' ? new FakeError(fail) : fail
}

function race(work: Promise<void>, { signal, gone }: Interrupt): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const onAbort = () => reject(signal?.reason)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    gone?.catch(reject)
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', onAbort))
  })
}
