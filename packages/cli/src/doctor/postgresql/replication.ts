import { bytes, counted } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { PostgresFacts, StandbyFacts } from './facts.js'

/** What a primary keeps for a slot until it is worth a word. */
const MUCH_WAL = 1024 ** 3

/** What a crash, or a failover, would cost. */
export function findInReplication(facts: PostgresFacts, overNetwork: boolean): Finding[] {
  return [
    ...findDurability(facts, overNetwork),
    ...(facts.role?.role === 'primary' ? findCommits(facts) : []),
    ...findSlots(facts),
  ]
}

function findDurability({ settings }: PostgresFacts, overNetwork: boolean): Finding[] {
  // On the machine of a developer that is a choice that costs nothing.
  const severity = overNetwork ? 'critical' : 'advice'
  return (['fsync', 'full_page_writes'] as const)
    .filter((name) => settings.get(name) === 'off')
    .map((name) => ({
      id: `${name.replaceAll('_', '-')}-off`,
      severity,
      title: `${name} is off: a crash of the machine can destroy the database.`,
      evidence: [`${name} = off`],
      fix: `Set ${name} = on, unless the data may be lost.`,
    }))
}

function findCommits({ settings, standbys = [] }: PostgresFacts): Finding[] {
  const names = settings.get('synchronous_standby_names') ?? ''
  const commit = settings.get('synchronous_commit')
  const streaming = standbys.filter(({ state }) => state === 'streaming')
  if (commit === 'off')
    return [
      {
        id: 'synchronous-commit-off',
        severity: 'warning',
        title:
          'Commits are acknowledged before they are on the disk: a crash of the server loses the latest.',
        evidence: ['synchronous_commit = off for this role'],
        fix: 'Set synchronous_commit = on for what must not be lost.',
      },
    ]
  if (names !== '' && commit !== 'local' && !waitsForOne(standbys))
    return [
      {
        id: 'synchronous-standby-missing',
        severity: 'critical',
        title: 'Every commit waits for a synchronous standby, and none is connected.',
        evidence: [`synchronous_standby_names = ${names}`, describeStandbys(standbys)],
        fix: 'Bring a standby back that the setting names, or empty synchronous_standby_names and reload.',
      },
    ]
  if (streaming.length > 0 && streaming.every(({ syncState }) => syncState === 'async'))
    return [
      {
        id: 'replication-asynchronous',
        severity: 'advice',
        title:
          'Replication is asynchronous: a failover loses the commits that no standby has received.',
        evidence: [describeStandbys(standbys)],
        fix: "Where that must not be, set synchronous_standby_names = 'ANY 1 (*)'; each commit then takes a round trip more.",
      },
    ]
  return []
}

/** What the role may not see is no proof that there is none. */
function waitsForOne(standbys: readonly StandbyFacts[]): boolean {
  return standbys.some(({ syncState }) => ['sync', 'quorum', ''].includes(syncState))
}

function describeStandbys(standbys: readonly StandbyFacts[]): string {
  if (standbys.length === 0) return 'no standby is connected'
  const each = standbys.map(({ application, state, syncState }) =>
    [application, state, syncState].filter((text) => text !== '').join(' '),
  )
  return `${counted(standbys.length, 'standby', 'standbys')}: ${each.join(', ')}`
}

function findSlots({ inactiveSlots = [] }: PostgresFacts): Finding[] {
  const large = inactiveSlots.filter(({ retainedBytes }) => retainedBytes >= MUCH_WAL)
  if (large.length === 0) return []
  return [
    {
      id: 'replication-slot-inactive',
      severity: 'warning',
      title: `${counted(large.length, 'replication slot')} that nothing reads ${large.length === 1 ? 'keeps' : 'keep'} the server from removing WAL, until its disk is full.`,
      evidence: large.map(({ name, retainedBytes }) => `${name}: ${bytes(retainedBytes)}`),
      fix: "Bring its reader back, or drop it: select pg_drop_replication_slot('…').",
    },
  ]
}
