import type { Finding, RuleOutcome } from '../rule.js'

/**
 * The findings in what a rule returned.
 *
 * @param name of the rule, which is its summary if it says no more than `true`
 * @throws TypeError if it is none of what a rule may return
 */
export function findingsIn(outcome: RuleOutcome | unknown, name: string): readonly Finding[] {
  if (outcome === undefined || outcome === null || outcome === false) return []
  if (outcome === true) return [{ summary: `${name} holds` }]
  const findings = Array.isArray(outcome) ? outcome : [outcome]
  for (const each of findings) {
    if (typeof each === 'object' && each !== null && typeof each.summary === 'string') continue
    const promised = typeof each === 'object' && each !== null && 'then' in each
    throw new TypeError(
      promised
        ? 'it returned a promise; a rule must decide at once, by what it has read before'
        : 'it must return true, false, or findings with a summary',
    )
  }
  return findings
}
