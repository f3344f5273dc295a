import type { Command, Internals } from '../internals.js'

/** Ends a command that is not sent. Returns what ends its state machine. */
export function refuse(command: Command, error: Error): null {
  if (command.onResult !== undefined) command.onResult(error)
  else if (command.listenerCount('error') > 0) command.emit('error', error)
  return null
}

/** Ends everything that stands behind the running command. Without an error it ends without an answer. */
export function refuseWaiting({ _commands: waiting }: Internals, error: Error | undefined): void {
  for (let each = waiting?.shift(); each !== undefined; each = waiting?.shift()) {
    if (error !== undefined) refuse(each, error)
    each.emit('end')
  }
}
