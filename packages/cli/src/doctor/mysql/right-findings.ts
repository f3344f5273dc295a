import type { Finding } from '../finding.js'
import type { MysqlFacts } from './facts.js'
import { quoted } from './rights.js'

/** Rights that failover needs, and the account lacks. */
export function findInRights({ role, user }: MysqlFacts): Finding[] {
  if (role === undefined || role.missing.length === 0) return []
  // Others are not granted: a proxy or a managed service hides them.
  const grantable = role.missing.map(({ name }) => name).filter((name) => /^[A-Z ]+$/.test(name))
  return [
    {
      id: 'rights-missing',
      severity: 'warning',
      title: `Account ${user ?? ''} lacks rights that failover needs.`,
      evidence: role.missing.map(({ name, turnsOff }) => `${name}: ${turnsOff}`),
      fix:
        grantable.length > 0
          ? `Grant them: grant ${grantable.join(', ').toLowerCase()} on *.* to ${quoted(user ?? '')}.`
          : 'Connect to the server itself, rather than to what stands before it.',
    },
  ]
}
