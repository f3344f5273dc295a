import path from 'node:path'
import type { BlockingParty, CodePlace, InsightsSnapshot } from '../snapshot.js'

/** A table of a report. */
export interface Section {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const MOST_ROWS = 10
const LONGEST_TEXT = 120

/** The parts of a report that have something to say, worst news first. */
export function sectionsOf(snapshot: InsightsSnapshot): Section[] {
  return [
    nPlusOne(snapshot),
    heldIdle(snapshot),
    blocking(snapshot),
    planJumps(snapshot),
    slow(snapshot),
    statements(snapshot),
    transactions(snapshot),
    planChanges(snapshot),
  ].filter(({ rows }) => rows.length > 0)
}

/** In one sentence. */
export function summaryOf({ durationMs, pool, totals }: InsightsSnapshot): string {
  const { errors, fingerprints, runMs, statements, waitMs } = totals
  return (
    `${pool}: ${statements} statements of ${fingerprints} fingerprints in ${milliseconds(durationMs)}, ` +
    `${milliseconds(runMs)} running, ${milliseconds(waitMs)} waiting for a connection, ${errors} errors`
  )
}

/** `function (file:line)`, the file relative to the working directory. */
function placeOf(site: CodePlace | undefined): string {
  if (site === undefined) return 'unknown'
  const relative = path.relative(process.cwd(), site.file)
  const file = relative.startsWith('..') ? site.file : relative
  return `${site.functionName} (${file}:${site.line})`
}

function milliseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`
}

function shortened(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT - 1)}…`
}

function nPlusOne({ nPlusOne }: InsightsSnapshot): Section {
  return {
    title: 'N+1: repeated in one place',
    columns: ['where', 'repeats', 'requests', 'time', 'statement'],
    rows: nPlusOne
      .slice(0, MOST_ROWS)
      .map((each) => [
        placeOf(each.site),
        `up to ${each.maxRepeats}`,
        String(each.contexts),
        milliseconds(each.totalRunMs),
        shortened(each.text),
      ]),
  }
}

function heldIdle({ heldIdle }: InsightsSnapshot): Section {
  return {
    title: 'Held idle: a connection held while no statement ran',
    columns: ['who held it', 'leases', 'p95', 'longest pause', 'after'],
    rows: heldIdle
      .filter(({ exceeded, open }) => exceeded + open > 0)
      .slice(0, MOST_ROWS)
      .map(({ exceeded, heldIdle, longestGap, open, site }) => [
        placeOf(site),
        open > 0 ? `${exceeded} and ${open} now` : String(exceeded),
        milliseconds(heldIdle.p95Ms),
        longestGap === undefined ? '' : milliseconds(longestGap.durationMs),
        longestGap?.after === undefined
          ? ''
          : `${shortened(longestGap.after.text)} at ${placeOf(longestGap.after.site)}`,
      ]),
  }
}

function blocking({ blocking }: InsightsSnapshot): Section {
  return {
    title: 'Blocking: who waits for whose lock',
    columns: ['waits', 'for', 'longest', 'times', 'relation'],
    rows: blocking
      .slice(0, MOST_ROWS)
      .map((each) => [
        partyOf(each.waiter),
        partyOf(each.blocker),
        `${milliseconds(each.waitedMs)}${each.active ? ', still' : ''}`,
        String(each.count),
        each.relation ?? '',
      ]),
  }
}

function partyOf({ application, own, processId, site, state }: BlockingParty): string {
  if (site !== undefined) return placeOf(site)
  const name = application === undefined ? '' : ` of ${application}`
  return `${own ? 'a lease' : 'a session'}${name} (process ${processId}${state === undefined ? '' : `, ${state}`})`
}

function slow({ options, slow }: InsightsSnapshot): Section {
  return {
    title: `Slow: ran for ${milliseconds(options.slowMs)} or longer`,
    columns: ['where', 'ran', 'waited', 'rows', 'statement'],
    rows: slow
      .slice(0, MOST_ROWS)
      .map((each) => [
        placeOf(each.site),
        milliseconds(each.runMs),
        milliseconds(each.waitMs),
        each.error === undefined ? String(each.rowCount ?? '') : `error ${each.error}`,
        shortened(each.text),
      ]),
  }
}

function statements({ statements }: InsightsSnapshot): Section {
  return {
    title: 'Statements by run time',
    columns: ['share', 'calls', 'run p50', 'run p95', 'run p99', 'wait p95', 'where', 'statement'],
    rows: statements
      .slice(0, MOST_ROWS)
      .map(({ calls, run, share, site, text, wait }) => [
        `${(share * 100).toFixed(1)} %`,
        String(calls),
        milliseconds(run.p50Ms),
        milliseconds(run.p95Ms),
        milliseconds(run.p99Ms),
        milliseconds(wait.p95Ms),
        placeOf(site),
        shortened(text),
      ]),
  }
}

function transactions({ transactions }: InsightsSnapshot): Section {
  return {
    title: 'Transactions by length',
    columns: ['where', 'count', 'rolled back', 'p50', 'p95', 'held idle p95', 'statements'],
    rows: transactions
      .slice(0, MOST_ROWS)
      .map(({ count, heldIdle, length, meanStatements, rolledBack, site }) => [
        placeOf(site),
        String(count),
        String(rolledBack),
        milliseconds(length.p50Ms),
        milliseconds(length.p95Ms),
        milliseconds(heldIdle.p95Ms),
        meanStatements.toFixed(1),
      ]),
  }
}

function planJumps({ planJumps }: InsightsSnapshot): Section {
  return {
    title: 'Slower by the plan that the server keeps for all values',
    columns: ['where', 'for its values', 'kept', 'runs', 'since', 'generic / custom', 'statement'],
    rows: planJumps
      .slice(0, MOST_ROWS)
      .map(({ after, at, before, plans, runs, site, text }) => [
        placeOf(site),
        milliseconds(before.p50Ms),
        milliseconds(after.p50Ms),
        String(runs),
        new Date(at).toISOString(),
        plans === undefined ? '' : `${plans.genericPlans} / ${plans.customPlans}`,
        shortened(text),
      ]),
  }
}

function planChanges({ planChanges }: InsightsSnapshot): Section {
  return {
    title: 'Plans that changed',
    columns: ['statement', 'from', 'to', 'cost'],
    rows: planChanges
      .slice(-MOST_ROWS)
      .map(({ from, text, to }) => [
        shortened(text),
        from.shape,
        to.shape,
        `${from.cost.toFixed(1)} to ${to.cost.toFixed(1)}`,
      ]),
  }
}
