import type { QueryContext, QueryObserver } from '@connmgr/core'

type Open = { -readonly [K in keyof QueryContext]: QueryContext[K] }

/** A manager as those see it who observe its statements, with statements that are made up. */
export class MadeUpManager {
  readonly #observers = new Set<QueryObserver>()

  observeQueries(observer: QueryObserver): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** It has no leases. */
  observeLeases(): () => void {
    return () => {}
  }

  /** A statement from its start to its end. */
  query(text: string, outcome: Partial<QueryContext> = {}): void {
    const query: Open = {
      manager: -1,
      pool: 'made up',
      database: outcome.database ?? 'postgresql',
      text,
      startedAt: outcome.startedAt ?? 0,
    }
    if (outcome.lease !== undefined) query.lease = outcome.lease
    for (const each of this.#observers) each.started?.(query)
    for (const each of this.#observers) each.called?.(query)
    Object.assign(query, { waitMs: 0, runMs: 1, rowCount: 1 }, outcome)
    for (const each of this.#observers) each.ended?.(query)
  }
}
