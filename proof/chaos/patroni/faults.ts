import type { LabNode } from './lab/lab-node.js'
import type { PatroniLab } from './lab/patroni-lab.js'

/** Something that happens to the leader, or to what decides who leads. */
export interface Fault {
  readonly name: FaultName
  readonly description: string
  /** Resolves when it has been done; what Patroni makes of it comes later. */
  begin(lab: PatroniLab, leader: LabNode): Promise<void>
  /** What ends by itself in real life, once another leader serves; the callers go on meanwhile. */
  end?(lab: PatroniLab, leader: LabNode): Promise<void>
  /** Without it no other leader comes: ended after this time. */
  readonly endsAfterMs?: number
  /** Longest gap between two writes and failed writes of HAProxy in front of a tuned pg.Pool, as measured before. */
  readonly reference?: { readonly haproxy: string; readonly pgbouncer: string }
}

type FaultName =
  | 'kill'
  | 'kill-database'
  | 'freeze'
  | 'switchover'
  | 'restart'
  | 'cut-agent'
  | 'etcd-outage'

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    description: 'leader killed, database and agent',
    begin: (_lab, leader) => leader.kill(),
    reference: { haproxy: '5.4–5.7k / 177–192', pgbouncer: '5.1–6.2k / 115–167' },
  },
  {
    name: 'kill-database',
    description: "leader's database killed",
    begin: (_lab, leader) => leader.killDatabase(),
  },
  {
    name: 'freeze',
    description: 'leader frozen; goes on later',
    begin: (_lab, leader) => leader.freeze(),
    end: (_lab, leader) => leader.thaw(),
    reference: { haproxy: '7.4k / 262', pgbouncer: '8.5k / 371' },
  },
  {
    name: 'switchover',
    description: 'switchover',
    begin: (_lab, leader) => leader.api.order('switchover', { leader: leader.name }),
    reference: { haproxy: '2.2k / 18–21', pgbouncer: '4.2k / 207' },
  },
  {
    name: 'restart',
    description: 'leader restarted',
    begin: (_lab, leader) => leader.api.order('restart', {}),
    reference: { haproxy: '2.2k / 17–21', pgbouncer: '2.2–3.2k / 107–161' },
  },
  {
    name: 'cut-agent',
    description: "leader's agent frozen, its database goes on",
    begin: async (_lab, leader) => leader.freezeAgent(),
    end: (_lab, leader) => leader.thaw(),
  },
  {
    name: 'etcd-outage',
    description: 'etcd frozen for 8 s: every leader steps down',
    begin: async (lab) => lab.etcd.signal('SIGSTOP'),
    end: async (lab) => lab.etcd.signal('SIGCONT'),
    endsAfterMs: 8000,
  },
]
