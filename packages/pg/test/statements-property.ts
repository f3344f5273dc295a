import fc from 'fast-check'
import type { LockstepServer } from './lockstep.js'
import { lockstepHistories } from './lockstep-steps.js'

/** Histories of statements, each compared with what plain node-postgres makes of it. The server is the caller's to stop. */
export function statementsProperty(server: LockstepServer) {
  return fc.asyncProperty(lockstepHistories, (history) => server.run(history))
}
