import { costOf } from '../../plans/plan-jumps.js'
import type { InsightsSnapshot, PlanJumpVerdict } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import type { Recommendation } from '../recommendation.js'

const COSTLIER = 10

/** Plans that have become worse, and plans for all values that are worse than plans for each. */
export function planAdvice(snapshot: InsightsSnapshot): Recommendation[] {
  return [...snapshot.planJumps.map(genericPlan), ...planRegressions(snapshot)]
}

function genericPlan(verdict: PlanJumpVerdict): Recommendation {
  const { after, at, before, fingerprint, plans, rounds, runs, site, text } = verdict
  return {
    code: 'generic-plan',
    severity: 'warning',
    title: 'A prepared statement is slower by the plan that the server keeps for all values',
    evidence: [
      `${text}: ${durationText(before.p50Ms)} by plans for its values (p50, mean ${durationText(before.meanMs)}), ${durationText(after.p50Ms)} by the plan that is kept (mean ${durationText(after.meanMs)})`,
      `Seen since ${new Date(at).toISOString()}, in ${runs} runs`,
      `Prepared anew ${rounds} times to compare: it was faster while the server planned it for its values, and slower before and after`,
      ...(plans === undefined
        ? []
        : [
            `On the connections that were asked the server has run it ${plans.genericPlans} times by its generic plan, and ${plans.customPlans} times by custom plans (pg_prepared_statements)`,
          ]),
    ],
    fix: 'Send it with prepare: false, or run it within manager.unprepared() where a library writes it. If it is so with many statements, alter role … set plan_cache_mode = force_custom_plan. Better statistics may help too: analyze, a higher statistics target, create statistics for columns that depend on each other',
    ...(site !== undefined && { site }),
    statement: { fingerprint, text },
    costMs: costOf(verdict),
  }
}

function planRegressions(snapshot: InsightsSnapshot): Recommendation[] {
  return snapshot.planChanges.flatMap(({ fingerprint, from, text, to }) => {
    if (to.cost < COSTLIER * from.cost) return []
    const same = snapshot.statements.filter((each) => each.fingerprint === fingerprint)
    const site = same[0]?.site
    return {
      code: 'plan-regression',
      severity: 'warning',
      title: 'The plan of a statement has become much more expensive',
      evidence: [
        `${text}: its cost went from ${Math.round(from.cost)} to ${Math.round(to.cost)}`,
        `Before: ${from.shape}`,
        `Now: ${to.shape}`,
      ],
      fix: 'Look for an index that is gone, and run analyze on its tables',
      ...(site !== undefined && { site }),
      statement: { fingerprint, text },
      costMs: same.reduce((sum, each) => sum + each.run.totalMs, 0),
    }
  })
}
