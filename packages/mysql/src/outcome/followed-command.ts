import type { Command, Packet } from '../internals.js'
import type { Followed } from './followed.js'

export type Start = NonNullable<Command['start']>

/** What a command that is followed asks, and tells. */
export interface CommandFollower {
  /** The turn of a command has come. */
  start(command: Command, statement: Followed, packet: Packet | undefined): ReturnType<Start>
  answer(statement: Followed, error: unknown, rows: unknown, fields: unknown): void
  explainPrepare(error: unknown): unknown
}

const STATEMENT = Symbol('statement of a command')
const PREPARE = Symbol('follower of a command that prepares')

interface FollowedCommand extends Command {
  [STATEMENT]?: Followed
}

interface FollowedPrepare extends Command {
  [PREPARE]?: {
    readonly onResult: NonNullable<Command['onResult']>
    readonly follower: CommandFollower
  }
}

/** Has a statement's command start, and answer if it has a callback, by its follower. */
export function follow(command: Command, statement: Followed): void {
  const following = command as FollowedCommand
  following[STATEMENT] = statement
  following.start = startFollowed
  if (command.onResult !== undefined) command.onResult = answerFollowed
}

/** Has the command that prepares a statement answer by `follower`. */
export function followPrepare(command: Command, follower: CommandFollower): void {
  const { onResult } = command
  if (onResult === undefined) return
  const following = command as FollowedPrepare
  following[PREPARE] = { onResult, follower }
  following.onResult = answerPrepare
}

// mysql2 calls these as methods of the command, so that all commands share them.

function startFollowed(this: FollowedCommand, packet: Packet | undefined): ReturnType<Start> {
  const statement = this[STATEMENT] as Followed
  return statement.follower.start(this, statement, packet)
}

function answerFollowed(
  this: FollowedCommand,
  error: unknown,
  rows?: unknown,
  fields?: unknown,
): void {
  const statement = this[STATEMENT] as Followed
  statement.follower.answer(statement, error, rows, fields)
}

/**
 * No function that is made for each command where it is set: V8 takes what is written right of an assignment to a property
 * for a method, and makes it in the memory of what is old (`CheckAssigningFunctionLiteralToProperty` of its parser). All that
 * it leads to then stays until that memory is collected, and what is made like it is taken for long-lived from then on.
 */
function answerPrepare(this: FollowedPrepare, error: unknown, statement?: unknown): void {
  const { follower, onResult } = this[PREPARE] as NonNullable<FollowedPrepare[typeof PREPARE]>
  if (error) onResult(follower.explainPrepare(error))
  else onResult(null, statement)
}
