import { type QueryRows, rowsOf } from '../server-facts/query-rows.js'
import type { ServerFacts } from '../server-facts/server-facts.js'
import type { IndexCandidate } from './index-candidates.js'

/** From this version on, a plan can be had for a statement without values. */
const GENERIC_PLANS_SINCE = 16

/**
 * Tries candidates with the extension `hypopg`, which lets the planner believe in an index that is not there: returns those
 * that it would use, with its costs. Candidates that could not be tried are returned as they are, and so are all where
 * the extension is missing. Nothing is created on the server.
 *
 * @param query runs one statement, on one and the same connection
 */
export async function proveIndexes(
  query: QueryRows,
  candidates: readonly IndexCandidate[],
  { extensions, major }: ServerFacts,
): Promise<IndexCandidate[]> {
  if (extensions.hypopg !== 'created' || major < GENERIC_PLANS_SINCE) return [...candidates]
  const proved: IndexCandidate[] = []
  for (const candidate of candidates) {
    const proof = await prove(query, candidate).catch(() => 'untried' as const)
    if (proof === 'untried') proved.push(candidate)
    else if (proof !== undefined) proved.push({ ...candidate, proof })
  }
  return proved
}

/** Undefined if the planner would not use it. */
async function prove(
  query: QueryRows,
  { columns, statement, table }: IndexCandidate,
): Promise<IndexCandidate['proof']> {
  const text = numbered(statement.text)
  const before = await explain(query, text)
  const definition = `create index on ${table} (${columns.join(', ')})`
  const [created] = await rowsOf(
    query,
    `select indexrelid, indexname from hypopg_create_index('${definition.replaceAll("'", "''")}')`,
  )
  try {
    const after = await explain(query, text)
    const used = after.json.includes(created?.text('indexname') ?? '<')
    return used && after.cost < before.cost
      ? { costBefore: before.cost, costAfter: after.cost }
      : undefined
  } finally {
    await query(`select hypopg_drop_index(${created?.number('indexrelid') ?? 0})`)
  }
}

async function explain(query: QueryRows, text: string): Promise<{ cost: number; json: string }> {
  const [row] = await rowsOf(query, `explain (generic_plan, format json) ${text}`)
  const plan = row?.json('QUERY PLAN') as [{ Plan: { 'Total Cost': number } }]
  return { cost: plan[0].Plan['Total Cost'], json: JSON.stringify(plan) }
}

/** Texts of fingerprints have `?` where values were. */
function numbered(text: string): string {
  let number = 0
  return text.replace(/"[^"]*"|\?/g, (part) => {
    if (part !== '?') return part
    number += 1
    return `$${number}`
  })
}
