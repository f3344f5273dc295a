import type { ConnmgrEventType } from '@connmgr/core'
import { type FakeConnection, type FakeOutcome, play } from '@connmgr/testing'
import type { Harness } from './harness.js'

/** Where user code may run that does something to the pool. */
export const OCCASIONS = [
  'connectionCreated',
  'connectionFailed',
  'connectionClosed',
  'connectionAcquired',
  'connectionReleased',
  'connectionDirty',
  'acquireFailed',
  'validationFailed',
  'leaseMisused',
  'poolCleared',
  'poolResized',
  'poolClosed',
  'listenerFailed',
  'onConnect',
  'abort',
] as const satisfies readonly (ConnmgrEventType | 'onConnect' | 'abort')[]
export type Occasion = (typeof OCCASIONS)[number]

export const VERBS = [
  'acquire',
  'release',
  'destroy',
  'abort',
  'clear',
  'evict',
  'reclaim',
  'grow',
  'suspend',
  'resume',
  'lose',
  'close',
  'throw',
  'reject',
] as const
export type Verb = (typeof VERBS)[number]

/** Something that user code does when it is called next on an occasion. */
export interface Reaction {
  readonly on: Occasion
  readonly verb: Verb
  readonly index: number
}

/** How a hook may leave its connection. */
export const LEFTOVERS = ['transaction', 'stuck', 'busy', 'lost'] as const
export type Leftover = (typeof LEFTOVERS)[number]

/** While the hook fails each time: so many attempts to begin with, and so many a second. */
const ATTEMPTS_AT_FIRST = 16
const ATTEMPTS_A_SECOND = 2.5

/** The user code around a pool: listeners, signals and its hook, which do what the history wants when they are called. */
export class UserCode {
  readonly #harness: () => Harness
  readonly #perform: (verb: Verb, index: number) => void
  readonly #reactions: Reaction[] = []
  readonly #leftovers: Leftover[] = []
  /** Since when the hook fails each time, and how many attempts there were before. */
  #hookFails: { readonly since: number; readonly attempts: number } | undefined

  /** @param perform does something to the pool */
  constructor(harness: () => Harness, perform: (verb: Verb, index: number) => void) {
    this.#harness = harness
    this.#perform = perform
  }

  /** Has it do something the next time that it is called on an occasion. */
  react(reaction: Reaction): void {
    this.#reactions.push(reaction)
  }

  /** How the next hook leaves its connection. */
  leave(leftover: Leftover): void {
    this.#leftovers.push(leftover)
  }

  /** From now on the hook fails each time, or no longer. */
  failHooks(fail: boolean): void {
    if (fail === (this.#hookFails !== undefined)) return
    const { clock, driver } = this.#harness()
    this.#hookFails = fail ? { since: clock.now(), attempts: driver.count('connect') } : undefined
  }

  /** Nothing is wanted of it any more. */
  stop(): void {
    this.#reactions.length = 0
    this.#hookFails = undefined
  }

  /** It is called. What it does may fail; a promise that it returns is its own affair. */
  called(on: Occasion): Promise<void> | undefined {
    const at = this.#reactions.findIndex((each) => each.on === on)
    const [reaction] = at < 0 ? [] : this.#reactions.splice(at, 1)
    if (reaction === undefined) return undefined
    const { index, verb } = reaction
    if (verb === 'throw' && on !== 'abort') throw new Error('user code threw')
    if (verb === 'reject') return Promise.reject(new Error('user code rejected'))
    this.#perform(verb, index)
    return undefined
  }

  /** The hook is called. */
  async onConnect(connection: FakeConnection, outcome: () => FakeOutcome): Promise<void> {
    await this.called('onConnect')
    if (this.#hookFails !== undefined) throw new Error('the hook fails each time')
    const { clock, driver } = this.#harness()
    await play(outcome(), clock, {})
    const leftover = this.#leftovers.shift()
    if (leftover === 'lost') connection.lose()
    else if (leftover === 'busy') {
      driver.next('query', { afterMs: 100 })
      connection.query('select 1').catch(() => {})
    } else if (leftover !== undefined) connection.condition = leftover
  }

  /** Too many attempts, if there were: a login is dear to the server, and worth nothing if the hook fails. */
  get excess(): string | undefined {
    if (this.#hookFails === undefined) return undefined
    const { attempts, since } = this.#hookFails
    const { clock, driver } = this.#harness()
    const seconds = (clock.now() - since) / 1000
    const made = driver.count('connect') - attempts
    if (made <= ATTEMPTS_AT_FIRST + ATTEMPTS_A_SECOND * seconds) return undefined
    return `${made} attempts in ${seconds} s while the hook fails each time`
  }
}
