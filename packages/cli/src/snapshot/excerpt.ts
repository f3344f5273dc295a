import type { InspectedInsights } from './inspected.js'
import type { HotStatement, InsightsExcerpt, Recommendation } from './snapshot.js'

/** Statements that a snapshot carries. */
const MOST_STATEMENTS = 20
const MOST_RECOMMENDATIONS = 10

type Fields = Readonly<Record<string, unknown>>

/** What insights tell now. Fields that another version of them lacks are null. */
export async function excerptOf(insights: InspectedInsights): Promise<InsightsExcerpt> {
  const top = insights.top()
  const statements = Array.isArray(top) ? top : fieldsOf(top).statements
  const recommendations = await insights.recommendations?.()
  return {
    statements: listOf(statements).slice(0, MOST_STATEMENTS).map(statementOf),
    recommendations: listOf(recommendations).slice(0, MOST_RECOMMENDATIONS).map(recommendationOf),
  }
}

function statementOf(fields: Fields): HotStatement {
  return {
    text: textOf(fields.text) ?? textOf(fields.fingerprint) ?? '',
    site: siteOf(fields.site),
    calls: numberOf(fields.calls) ?? 0,
    errors: numberOf(fields.errors) ?? 0,
    p95RunMs: numberOf(fieldsOf(fields.run).p95Ms),
    p95WaitMs: numberOf(fieldsOf(fields.wait).p95Ms),
    share: numberOf(fields.share),
  }
}

function recommendationOf(fields: Fields): Recommendation {
  return {
    code: textOf(fields.code),
    severity: textOf(fields.severity),
    title: textOf(fields.title) ?? '',
    evidence: Array.isArray(fields.evidence) ? fields.evidence.map(String) : [],
    fix: textOf(fields.fix),
    site: siteOf(fields.site),
  }
}

function siteOf(site: unknown): string | null {
  if (typeof site === 'string') return site
  const { file, line } = fieldsOf(site)
  return textOf(file) === null ? null : `${file}:${line}`
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
