import { isError } from '@connmgr/core/driver'
import type { Errand } from './errand.js'

/** One thing that a caller may do with a connection. */
export interface Operation {
  readonly name: string
  /** How often it is chosen, compared with the others. */
  readonly weight: number
  run(errand: Errand): Promise<void>
  /** Tells the errors that it provokes. Those of a connection that was killed need no mention. */
  readonly expects?: (error: unknown) => boolean
}

/** The code of an error: SQLSTATE, errno name or connmgr code. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (isError(error) ? error : {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

export function hasMessage(error: unknown, part: string): boolean {
  return isError(error) && error.message.includes(part)
}
