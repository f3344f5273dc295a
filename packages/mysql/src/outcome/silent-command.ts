import type { Command } from '../internals.js'
import type { Followed } from './followed.js'

/** A command without a callback, which answers by events. When a connection is lost mysql2 forgets those. */
export interface SilentCommand {
  /** The connection is lost. */
  fail(error: unknown): void
}

/**
 * Has a command without a callback tell the error that says what is known, also if mysql2 has forgotten it.
 *
 * @param explain makes that of what mysql2 tells
 * @param onEnd called when the command has ended
 */
export function explainEvents(
  command: Command,
  statement: Followed,
  explain: (error: unknown) => unknown,
  onEnd: (ended: SilentCommand) => void,
): SilentCommand {
  const emit = command.emit.bind(command)
  const silent: SilentCommand = {
    fail: (error) => {
      onEnd(silent)
      statement.traced?.answered(statement, error)
      if (statement.settled) return
      if (command.listenerCount('error') > 0) command.emit('error', error)
      command.emit('end')
    },
  }
  const explained = (event: string | symbol, ...args: unknown[]): boolean => {
    const { traced } = statement
    if (traced !== undefined && event === 'result') traced.row(args[0])
    if (event === 'end') {
      onEnd(silent)
      traced?.answered(statement, undefined)
      statement.settled = true
    }
    if (event !== 'error' || statement.settled) return emit(event, ...args)
    const error = explain(args[0])
    traced?.answered(statement, error)
    return emit(event, error, ...args.slice(1))
  }
  // Not where it is made, for the reason given at `answerPrepare`.
  Object.assign(command, { emit: explained })
  return silent
}
