import type { LeaseReport } from '@connmgr/core'
import { identityOf } from '../location/file-identity.js'

/** Who holds connections of one manager: those who may write, and those who read. */
export interface ManagerHolders {
  readonly writers: () => readonly LeaseReport[]
  readonly readers: () => readonly LeaseReport[]
}

/** One for the process, however many copies of this package it has loaded. */
const REGISTRY = Symbol.for('@connmgr/sqlite holders')

function registry(): Map<string, Set<ManagerHolders>> {
  const place = globalThis as { [REGISTRY]?: Map<string, Set<ManagerHolders>> }
  place[REGISTRY] ??= new Map()
  return place[REGISTRY]
}

/** Has the managers of this process know of each other's holders. Returns the function that ends it. */
export function registerHolders(path: string, holders: ManagerHolders): () => void {
  const all = registry()
  const ofPath = all.get(path) ?? new Set()
  all.set(path, ofPath.add(holders))
  return () => {
    ofPath.delete(holders)
    if (ofPath.size === 0 && all.get(path) === ofPath) all.delete(path)
  }
}

/** Everyone in this process who holds a connection to a database through a manager, by any name of its file, longest first. */
export function holdersOf(path: string, kind: keyof ManagerHolders): LeaseReport[] {
  const file = identityOf(path)
  return [...registry()]
    .filter(([name]) => name === path || (file !== undefined && identityOf(name) === file))
    .flatMap(([, managers]) => [...managers].flatMap((each) => each[kind]()))
    .sort((one, other) => other.heldForMs - one.heldForMs)
}
