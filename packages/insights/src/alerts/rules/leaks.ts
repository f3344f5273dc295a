import type { LeaseReport } from '@connmgr/core'
import { durationText } from '../../words/duration-text.js'
import type { AlertRule, Finding, RuleContext, RuleOverrides } from '../rule.js'
import { readyRule } from './rule-options.js'

/** A connection is held for longer than the leak threshold. One alert for each place in the code; fires at once. */
export function leaks(options: RuleOverrides = {}): AlertRule {
  return readyRule({ name: 'ConnmgrLeaks', keepFiringForMs: 60_000, when: findingsOf }, options, {})
}

function findingsOf({ leaks: found, pool }: RuleContext): Finding[] {
  const byPlace = new Map<string, LeaseReport[]>()
  for (const lease of found) {
    const at = lease.checkedOutBy ?? lease.label ?? ''
    byPlace.set(at, [...(byPlace.get(at) ?? []), lease])
  }
  return [...byPlace].map(([at, held]) => {
    const longestMs = Math.max(...held.map(({ heldForMs }) => heldForMs))
    const who = at === '' ? 'Code that is not known' : at
    return {
      summary: `${who} has not returned ${held.length === 1 ? 'a connection' : `${held.length} connections`} of "${pool}", for ${durationText(longestMs)}`,
      labels: { at },
      value: held.length,
    }
  })
}
