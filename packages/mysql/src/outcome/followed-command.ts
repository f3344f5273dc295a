import type { Command, Packet } from '../internals.js'
import type { Followed } from './followed.js'

export type Start = NonNullable<Command['start']>

/** What a command that is followed asks, and tells. */
export interface CommandFollower {
  /** The turn of a command has come. */
  start(command: Command, statement: Followed, packet: Packet | undefined): ReturnType<Start>
  answer(statement: Followed, error: unknown, results: unknown[]): void
  explainPrepare(error: unknown): unknown
}

/** By which a command knows how it is followed. */
export const FOLLOWER = Symbol('follower of a command')
export const STATEMENT = Symbol('statement of a command')
export const ANSWER = Symbol('answer of a command')

export interface FollowedCommand extends Command {
  [FOLLOWER]?: CommandFollower
  [STATEMENT]?: Followed
  [ANSWER]?: Command['onResult']
}

// mysql2 calls these as methods of the command, so that all commands share them.

export function startFollowed(
  this: FollowedCommand,
  packet: Packet | undefined,
): ReturnType<Start> {
  return (this[FOLLOWER] as CommandFollower).start(this, this[STATEMENT] as Followed, packet)
}

export function answerFollowed(this: FollowedCommand, error: unknown, ...results: unknown[]): void {
  this[FOLLOWER]?.answer(this[STATEMENT] as Followed, error, results)
}

export function answerPrepare(this: FollowedCommand, error: unknown, ...results: unknown[]): void {
  this[ANSWER]?.(error ? this[FOLLOWER]?.explainPrepare(error) : error, ...results)
}
