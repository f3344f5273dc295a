import type { Probe } from './blocking/probe.js'
import type { PoolFacts, RecommendationFacts } from './recommendations/facts.js'
import { type IndexCandidate, indexCandidates } from './recommendations/index-candidates.js'
import { proveIndexes } from './recommendations/prove-indexes.js'
import type { Recommendation } from './recommendations/recommendation.js'
import { recommendations } from './recommendations/recommendations.js'
import { readSchemaFacts, type SchemaFacts } from './server-facts/schema-facts.js'
import { readServerFacts, type ServerFacts } from './server-facts/server-facts.js'
import type { InsightsSnapshot } from './snapshot.js'

/** What the server was asked for once, and what follows from it and from what was seen. */
export class Advice {
  #server: ServerFacts | undefined
  #schema: SchemaFacts | undefined
  #indexes: readonly IndexCandidate[] | undefined

  /** Asks the server for its settings and its schema, and tries indexes that a plan has missed. */
  async refresh(probe: Probe, snapshot: InsightsSnapshot): Promise<void> {
    const { database } = snapshot
    if (database !== 'postgresql' && database !== 'mysql') return
    await probe.ask(async (client) => {
      const query = async (text: string): Promise<readonly object[]> =>
        (await client.query(text)).rows
      this.#server = await readServerFacts(query, { database })
      if (database === 'mysql') return
      this.#schema = await readSchemaFacts(query)
      const candidates = indexCandidates(snapshot, this.#schema)
      this.#indexes = await proveIndexes(query, candidates, this.#server)
    })
  }

  recommend(
    snapshot: InsightsSnapshot,
    pool: PoolFacts,
    given: RecommendationFacts,
  ): Recommendation[] {
    return recommendations(snapshot, {
      pool,
      ...(this.#server === undefined ? {} : { server: this.#server }),
      ...(this.#schema === undefined ? {} : { schema: this.#schema }),
      ...(this.#indexes === undefined ? {} : { indexes: this.#indexes }),
      ...given,
    })
  }
}
