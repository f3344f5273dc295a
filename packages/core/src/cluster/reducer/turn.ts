import type { ConnmgrEvent } from '../../events/events.js'
import type { ServerChange } from '../../pool/server-change.js'
import { stateIs } from '../states.js'
import type { Decision, Effect } from './effects.js'
import type { Moment } from './observations.js'
import { type ClusterView, type EndpointView, endpointOf, type Rules, stateOf } from './view.js'

/**
 * One observation on its way to a decision: the view as far as it is decided, and the effects so far. It never changes
 * the view that it began with.
 *
 * However often it is decided that callers move, they move once, after every pool knows all about its server; and an
 * endpoint serves only after those have left whom it serves no longer.
 */
export class Turn {
  readonly rules: Rules
  readonly at: Moment
  readonly #before: ClusterView
  /** What it began with, until something changes; then a copy of its own. */
  #view: ClusterView
  readonly #effects: Effect[] = []
  #reroutes = false
  readonly #serving: string[] = []

  constructor(view: ClusterView, rules: Rules, at: Moment) {
    this.#before = view
    this.#view = view
    this.rules = rules
    this.at = at
  }

  get view(): ClusterView {
    return this.#view
  }

  get writer(): EndpointView | undefined {
    return this.find(this.#view.writer)
  }

  /** An endpoint as it is known now, or if it has just left the list, as it was known. */
  find(id: string | undefined): EndpointView | undefined {
    return endpointOf(this.#view, id) ?? endpointOf(this.#before, id)
  }

  /** One that is in the list. */
  endpoint(id: string): EndpointView {
    return endpointOf(this.#view, id) as EndpointView
  }

  set(change: Partial<ClusterView>): void {
    // Most observations change several things: the view is copied for the first of them.
    if (this.#view === this.#before) this.#view = { ...this.#before }
    assign(this.#view, change)
  }

  change(id: string, change: Partial<EndpointView>): void {
    const index = this.#view.endpoints.findIndex((each) => each.id === id)
    const before = this.#view.endpoints[index] as EndpointView
    if (changesNothing(before, change)) return
    const endpoint = { ...before }
    assign(endpoint, change)
    this.set({ endpoints: this.#view.endpoints.with(index, endpoint) })
  }

  do(effect: Effect): void {
    this.#effects.push(effect)
  }

  emit(event: ConnmgrEvent): void {
    this.do({ type: 'emit', event })
  }

  tell(id: string, change: ServerChange): void {
    this.do({ type: 'tell', id, change })
  }

  /** Who serves whom has changed. */
  reroute(): void {
    this.#reroutes = true
  }

  /** Lets callers have the connections of an endpoint, if it still may serve in the end. */
  serve(id: string): void {
    if (!this.#serving.includes(id)) this.#serving.push(id)
  }

  end(): Decision {
    if (this.#reroutes) this.do({ type: 'reroute' })
    for (const id of this.#serving) {
      const endpoint = endpointOf(this.#view, id)
      if (endpoint !== undefined && stateIs(stateOf(endpoint), 'serves'))
        this.tell(id, { serving: true })
    }
    return { view: this.#view, effects: this.#effects }
  }
}

/** As `Object.assign`, in a third of its time: most probes of all lead here. */
function assign<T extends object>(target: T, change: Partial<T>): void {
  for (const key in change) target[key] = change[key] as T[typeof key]
}

function changesNothing<T extends object>(before: T, change: Partial<T>): boolean {
  for (const key in change) if (before[key] !== change[key]) return false
  return true
}
