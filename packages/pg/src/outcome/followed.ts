import type { WriteEnd } from '@connmgr/core/driver'
import type { Catalog } from '../catalog/catalog.js'
import type { PendingQuery } from '../client-internals.js'
import { endOfFailed, type InFlight, mayWrite } from './in-flight.js'

type Callback = NonNullable<PendingQuery['callback']>

/** A statement that a unit of work has to know the end of, or that has a time limit. */
export class Followed implements InFlight {
  stage: InFlight['stage'] = 'sent'
  endWrite: ((end: WriteEnd) => void) | undefined

  constructor(
    readonly text: string | undefined,
    /** Undefined for one that is sent behind others, or not yet. */
    public status: string | null | undefined,
    readonly catalog: Catalog | undefined,
  ) {}

  /** It had to wait, and is sent now. */
  sentIn(status: string | null | undefined): void {
    this.stage = 'sent'
    this.status = status
    // In a transaction it is the COMMIT that counts.
    if (!mayWrite(this)) this.endWrite?.('undone')
  }

  failed(error: unknown): void {
    this.endWrite?.(endOfFailed(this.text, error))
  }
}

/** Runs a query whose error is explained before its caller gets it. */
export function followed(
  args: unknown[],
  explain: (error: unknown) => unknown,
  run: () => unknown,
): unknown {
  const last = args.length - 1
  const callback = args[last]
  const given = args[0] as PendingQuery | undefined
  if (typeof callback === 'function') {
    args[last] = explaining(callback as Callback, explain)
  } else if (typeof given?.submit === 'function') explainToSubmittable(given, explain)
  const result = run()
  if (!(result instanceof Promise)) return result
  return result.catch((error: unknown) => {
    throw explain(error)
  })
}

/** What is submitted as it is, such as a cursor, hears of an error by its callback, if it has one, or by a method. */
function explainToSubmittable(query: PendingQuery, explain: (error: unknown) => unknown): void {
  const { callback, handleError } = query
  if (callback !== undefined && callback !== null) {
    query.callback = explaining(callback, explain)
  } else {
    const explained: typeof handleError = (error, connection) =>
      handleError?.call(query, explain(error), connection)
    Object.assign(query, { handleError: explained })
  }
}

/** Made here, and not where it is set, for the reason given at `LeasedClient`. */
function explaining(callback: Callback, explain: (error: unknown) => unknown): Callback {
  return (error, ...rest) => callback(error ? explain(error) : error, ...rest)
}
