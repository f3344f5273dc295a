import type { SchemaFacts } from '../../server-facts/schema-facts.js'
import type { InsightsSnapshot } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import type { RecommendationFacts } from '../facts.js'
import { type IndexCandidate, indexCandidates } from '../index-candidates.js'
import type { Recommendation } from '../recommendation.js'

/** A smaller table is scanned in no time when a row of the other is deleted. */
const FEWEST_ROWS = 10_000
const BYTES_IN_MEGABYTE = 1024 * 1024

/** Indexes that statements lack, and indexes that only cost. */
export function indexAdvice(
  snapshot: InsightsSnapshot,
  { indexes, schema }: RecommendationFacts,
): Recommendation[] {
  const candidates = indexes ?? (schema === undefined ? [] : indexCandidates(snapshot, schema))
  return [
    ...candidates.map((each) => missing(each, snapshot)),
    ...(schema === undefined ? [] : [...faults(schema), ...foreignKeys(schema)]),
  ]
}

function missing(candidate: IndexCandidate, snapshot: InsightsSnapshot): Recommendation {
  const { calls, columns, meanRunMs, proof, statement, table, tableRows, totalRunMs, wantedRows } =
    candidate
  const site = snapshot.statements.find((each) => each.fingerprint === statement.fingerprint)?.site
  const list = columns.join(', ')
  return {
    code: 'missing-index',
    severity: 'warning',
    title: `A statement reads all of ${table} for a few of its rows, by ${list}`,
    evidence: [
      `${calls} calls of ${statement.text}, ${durationText(meanRunMs)} each`,
      `Its plan reads ${table}, of ${tableRows} rows, from end to end for ${Math.round(wantedRows)} of them`,
      ...(proof === undefined
        ? ['The index was not tried: the server has no hypopg']
        : [
            `With the index the planner expects a cost of ${Math.round(proof.costAfter)} instead of ${Math.round(proof.costBefore)} (hypopg)`,
          ]),
    ],
    fix: `create index concurrently on ${table} (${list}), after a try: it costs space, and time at every write`,
    ...(site !== undefined && { site }),
    statement,
    costMs: totalRunMs,
  }
}

function faults({ indexFaults }: SchemaFacts): Recommendation[] {
  return indexFaults.map(({ bytes, fault, index, sameAs, table }) => {
    const size = `${(bytes / BYTES_IN_MEGABYTE).toFixed(1)} MB`
    return fault === 'invalid'
      ? {
          code: 'invalid-index',
          severity: 'warning',
          title: `The index ${index} of ${table} is invalid: it is written, and never read`,
          evidence: [
            `It has ${size}`,
            'A create index concurrently or reindex concurrently has failed',
          ],
          fix: `drop index concurrently ${index}, and create it again`,
          costMs: 0,
        }
      : {
          code: 'duplicate-index',
          severity: 'info',
          title: `The index ${index} of ${table} is the same as ${sameAs}`,
          evidence: [`It has ${size}, and is written at every insert`],
          fix: `drop index concurrently ${index}`,
          costMs: 0,
        }
  })
}

function foreignKeys({ unindexedForeignKeys }: SchemaFacts): Recommendation[] {
  return unindexedForeignKeys
    .filter(({ rows }) => rows >= FEWEST_ROWS)
    .map(({ columns, constraint, references, rows, table }) => ({
      code: 'unindexed-foreign-key',
      severity: 'info',
      title: `No index of ${table} begins with the columns of its foreign key ${constraint}`,
      evidence: [
        `A delete or an update of a key in ${references} reads ${table}, of ${rows} rows, from end to end`,
      ],
      fix: `create index concurrently on ${table} (${columns.join(', ')}), if rows of ${references} are deleted`,
      costMs: 0,
    }))
}
