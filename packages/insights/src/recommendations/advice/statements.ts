import type { InsightsSnapshot, NPlusOneVerdict, StatementStats } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import { placeText } from '../../words/place-text.js'
import type { RecommendationFacts } from '../facts.js'
import type { Recommendation } from '../recommendation.js'

const HOT_CALLS = 1000
const HOT_SHARE = 0.02
/** Parsing and planning are a part of statements that are quick. */
const QUICK_MS = 5
const MOSTLY = 0.9
const DATA = ['read', 'insert', 'update', 'delete', 'merge']

/** What statements tell: N+1, values in texts, and hot ones that are not prepared. */
export function statementAdvice(
  snapshot: InsightsSnapshot,
  facts: RecommendationFacts,
): Recommendation[] {
  return [
    ...snapshot.nPlusOne.map(nPlusOne),
    ...snapshot.statements.flatMap((each) => hotStatement(each, snapshot.database, facts)),
  ]
}

function nPlusOne(verdict: NPlusOneVerdict): Recommendation {
  const {
    contexts,
    evidence,
    fingerprint,
    maxRepeats,
    meanRepeats,
    parent,
    path,
    site,
    text,
    totalRunMs,
  } = verdict
  const unit = { request: 'request', transaction: 'transaction', 'parent-rows': 'result' }[evidence]
  return {
    code: 'n-plus-one',
    severity: 'warning',
    title: `${placeText(site)} runs one statement for each row (N+1)`,
    evidence: [
      `${text} ran up to ${maxRepeats} times in one ${unit}, ${meanRepeats.toFixed(1)} times on average, in ${contexts} of them`,
      `All repeats together took ${durationText(totalRunMs)}`,
      ...(parent === undefined
        ? []
        : [
            `They follow the rows of ${parent.text}${parent.site === undefined ? '' : ` at ${placeText(parent.site)}`}`,
          ]),
      ...path.slice(1).map((place) => `called from ${placeText(place)}`),
    ],
    fix: "Load all of them with one statement: the relation's eager loading of your ORM (include, with, relations, populate), a join, or a list of keys in the condition",
    site,
    statement: { fingerprint, text },
    costMs: totalRunMs,
  }
}

function hotStatement(
  statement: StatementStats,
  database: string | undefined,
  { server }: RecommendationFacts,
): Recommendation[] {
  const { calls, fingerprint, kind, prepared, run, share, site, text } = statement
  const { withListedNumbers, withLiterals } = statement
  if (!DATA.includes(kind) || calls < HOT_CALLS || share < HOT_SHARE) return []
  if (run.p50Ms > QUICK_MS || prepared > (1 - MOSTLY) * calls) return []
  // Behind a pooler by transaction, a statement that is prepared may be on another server connection.
  if (server?.pooler === 'transaction') return []
  // The text of a page's keys is another for each page: there is nothing to prepare, and it is the library that writes it.
  if (withLiterals < MOSTLY * calls && withListedNumbers >= MOSTLY * calls) return []
  const carriesValues = withLiterals >= MOSTLY * calls
  // Servers of MySQL plan a prepared statement at every call too, and the libraries of the others keep what they prepare.
  if (!carriesValues && database !== 'postgresql') return []
  const evidence = [
    `${calls} calls, ${(100 * share).toFixed(0)} % of the run time of all statements`,
    `${durationText(run.p50Ms)} each (p50), of which parsing and planning is a part`,
  ]
  const common = {
    severity: 'info' as const,
    ...(site !== undefined && { site }),
    statement: { fingerprint, text },
    costMs: run.totalMs,
  }
  return carriesValues
    ? [
        {
          ...common,
          code: 'values-in-text',
          title: 'A hot statement carries its values in its text',
          evidence: [...evidence, `${withLiterals} calls came with values in the text`],
          fix: 'Pass values as parameters: then the statement can be prepared once, and no value can be taken for SQL',
        },
      ]
    : [
        {
          ...common,
          code: 'unprepared-statement',
          title: 'A hot statement is parsed and planned at every call',
          evidence: [...evidence, `${prepared} of them ran as a prepared statement`],
          fix: "Leave the option preparedStatements at 'auto', or give the statement a name where your library takes one. If it opts out for the sake of its plan, leave it so",
        },
      ]
}
