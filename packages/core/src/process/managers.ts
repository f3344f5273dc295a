import { processRegistry } from './registry.js'

/** A manager of this process that has not been closed. */
export interface RegisteredManager<M extends object> {
  /** Unique within the process, and never given again. */
  readonly id: number
  /** The manager's name. Those of two managers may be the same. */
  readonly name: string
  readonly manager: M
}

/** The next number of a manager in this process. */
export function nextManagerId(): number {
  const { managers } = processRegistry()
  managers.lastId += 1
  return managers.lastId
}

/** Lists a manager until the returned function is called. It keeps no manager in memory that is otherwise forgotten. */
export function registerManager(id: number, name: string, manager: object): () => void {
  const { byId, collected } = processRegistry().managers
  byId.set(id, { name, reference: new WeakRef(manager) })
  collected.register(manager, id, manager)
  return () => {
    byId.delete(id)
    collected.unregister(manager)
  }
}

/** The managers that are listed, oldest first. */
export function registeredManagers(): RegisteredManager<object>[] {
  const listed: RegisteredManager<object>[] = []
  for (const [id, { name, reference }] of processRegistry().managers.byId) {
    const manager = reference.deref()
    if (manager !== undefined) listed.push({ id, name, manager })
  }
  return listed
}
