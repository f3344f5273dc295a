import { type CALL_RULES, checkCall, invalidOption } from '@connmgr/core/driver'
import type { AlertRule, RuleOverrides } from '../rule.js'

type Rules = Parameters<typeof checkCall>[2]

const OVERRIDES: Rules = Object.fromEntries(
  ['name', 'severity', 'forMs', 'keepFiringForMs', 'labels', 'annotations'].map((name) => [
    name,
    { accepts: () => true, expected: 'anything' },
  ]),
)

/** From 0 to 1. */
export const RATIO: (typeof CALL_RULES)['function'] = {
  accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  expected: 'a number from 0 to 1',
}
export const COUNT: (typeof CALL_RULES)['function'] = {
  accepts: (value) => Number.isInteger(value) && (value as number) >= 0,
  expected: 'a whole number that is not negative',
}

/** A ready rule with what its user has chosen instead of the defaults. */
export function readyRule<T extends object>(
  rule: AlertRule,
  options: RuleOverrides & T,
  thresholds: Rules,
): AlertRule {
  if (typeof options !== 'object' || options === null)
    throw invalidOption(rule.name, options, 'an object with the options of this rule')
  checkCall(`the rule ${rule.name}`, options, { ...OVERRIDES, ...thresholds })
  const chosen = Object.entries(options).filter(
    ([name, value]) => name in OVERRIDES && value !== undefined,
  )
  return { ...rule, ...Object.fromEntries(chosen) }
}
