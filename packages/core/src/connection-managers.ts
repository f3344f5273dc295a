import type { ConnectionManager } from './manager.js'
import { type RegisteredManager, registeredManagers } from './process/managers.js'

/** A manager of this process, as {@link connectionManagers} lists it. */
export type ListedManager = RegisteredManager<ConnectionManager<object>>

/**
 * The managers of this process that are open, oldest first, of every package: for pages, command lines and
 * metrics that are to show them all. A manager is listed from when it is made until its `close` has served the last caller.
 * The list keeps no manager in memory: one that is dropped without being closed leaves it.
 *
 * @example
 * for (const { id, name, manager } of connectionManagers()) console.log(id, name, manager.getCounts())
 */
export function connectionManagers(): readonly ListedManager[] {
  return registeredManagers() as ListedManager[]
}
