import { createHmac, randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../time/clock.js'

/**
 * Found by every copy of this package in the process. The number changes with the shapes of what is kept here, so that
 * copies of different versions keep apart.
 */
const KEY = Symbol.for('connmgr.process.4')

interface Registry {
  /** Makes digests mean nothing outside of this process. Made by the first: cryptography takes long to begin with. */
  salt: Buffer | undefined
  /** Numbers of objects that are compared by identity: functions, classes. */
  readonly numbers: WeakMap<object, number>
  /** What is shared, by its purpose, and by the clock that it goes by. */
  readonly shared: Map<string, WeakMap<object, Map<string, unknown>>>
  lastNumber: number
  readonly managers: ListedManagers
}

/** The managers that have not been closed. */
interface ListedManagers {
  lastId: number
  readonly byId: Map<number, { readonly name: string; readonly reference: WeakRef<object> }>
  readonly collected: FinalizationRegistry<number>
}

export function processRegistry(): Registry {
  const holder = globalThis as { [KEY]?: Registry }
  // Jest takes what test files leave on the global object apart, while what they have left open still uses it.
  holder[KEY] ??= Object.seal({
    salt: undefined,
    numbers: new WeakMap(),
    shared: new Map(),
    lastNumber: 0,
    managers: listManagers(),
  })
  return holder[KEY]
}

function listManagers(): ListedManagers {
  const byId: ListedManagers['byId'] = new Map()
  return { lastId: 0, byId, collected: new FinalizationRegistry((id) => byId.delete(id)) }
}

/** What all managers of the process that go by one clock share for a purpose, by keys. */
export function sharedBy<T>(purpose: string, clock: Clock): Map<string, T> {
  const { shared } = processRegistry()
  let byClock = shared.get(purpose)
  if (byClock === undefined) {
    byClock = new WeakMap()
    shared.set(purpose, byClock)
  }
  // Every copy of this package has a system clock of its own, and they show the same time.
  const owner = clock === systemClock ? shared : clock
  let byKey = byClock.get(owner)
  if (byKey === undefined) {
    byKey = new Map()
    byClock.set(owner, byKey)
  }
  return byKey as Map<string, T>
}

/**
 * The same for equal values, in this process, and of no use to find out what they are: for keys that depend on secrets.
 * Plain objects, arrays and bytes are equal by content, everything else that is an object or a function by identity.
 */
export function digestOf(value: unknown): string {
  const known = processRegistry()
  known.salt ??= randomBytes(32)
  const hash = createHmac('sha256', known.salt)
  feed(value, (text) => hash.update(text))
  return hash.digest('base64url')
}

function feed(value: unknown, write: (text: string) => void): void {
  if (typeof value === 'string') write(`s${value.length}:${value}`)
  else if (typeof value === 'function') write(`o${numberOf(value)};`)
  else if (typeof value !== 'object' || value === null) write(`${typeof value} ${String(value)};`)
  else if (value instanceof Uint8Array) write(`b${Buffer.from(value).toString('base64')};`)
  else if (Array.isArray(value)) {
    write(`[${value.length}:`)
    for (const each of value) feed(each, write)
  } else if (isPlain(value)) {
    // Those that cannot be seen count too: node-postgres hides passwords and keys.
    const names = Object.getOwnPropertyNames(value).sort()
    write(`{${names.length}:`)
    for (const name of names) {
      feed(name, write)
      feed((value as Record<string, unknown>)[name], write)
    }
  } else write(`o${numberOf(value)};`)
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function numberOf(value: object): number {
  const known = processRegistry()
  let number = known.numbers.get(value)
  if (number === undefined) {
    known.lastNumber += 1
    number = known.lastNumber
    known.numbers.set(value, number)
  }
  return number
}
