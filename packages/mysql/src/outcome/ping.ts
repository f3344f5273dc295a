import type { Command, Internals } from '../internals.js'

/** A ping of mysql2's own that is in no queue. */
export function pingOf(internals: Internals): Command {
  const { ping } = internals as unknown as {
    ping: (this: { addCommand(command: Command): Command }) => Command
  }
  return ping.call({ addCommand: (command) => command })
}
