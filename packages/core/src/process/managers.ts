import diagnostics from 'node:diagnostics_channel'
import { processRegistry } from './registry.js'

/** A manager of this process that has not been closed. */
export interface RegisteredManager<M extends object> {
  /** Unique within the process, and never given again. */
  readonly id: number
  /** The manager's name. Those of two managers may be the same. */
  readonly name: string
  readonly manager: M
}

/** Called with each manager that is made, while its constructor still runs. */
const createdChannel = diagnostics.channel('connmgr:manager:created')

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
  if (createdChannel.hasSubscribers) createdChannel.publish({ manager: id, poolName: name })
  return () => {
    byId.delete(id)
    collected.unregister(manager)
  }
}

/** Calls a function soon after a manager of the process was made. Returns the function that ends this. */
export function onManagerCreated(listener: () => void): () => void {
  // A constructor has to end before its object is used.
  const soon = () => queueMicrotask(listener)
  createdChannel.subscribe(soon)
  return () => createdChannel.unsubscribe(soon)
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
