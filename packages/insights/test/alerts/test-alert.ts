import type { Alert } from '../../src/alerts/alert.js'
import { annotationsOf } from '../../src/alerts/annotations.js'
import { labelFingerprint } from '../../src/alerts/state/label-fingerprint.js'

/** An alert as a pool with one holder would have it. */
export function testAlert(labels: Record<string, string> = {}, more: Partial<Alert> = {}): Alert {
  const all = {
    alertname: 'ConnmgrPoolExhausted',
    severity: 'critical',
    pool: 'orders',
    instance: 'web-1',
    ...labels,
  }
  const diagnosis: Alert['diagnosis'] = {
    inUse: 5,
    limit: 5,
    waiting: 3,
    holders: [
      {
        connectionId: 7,
        endpoint: 'db:5432/app',
        at: 'checkout (/app/src/checkout.ts:42:18)',
        label: undefined,
        heldForMs: 83_000,
        queryCount: 2,
      },
    ],
    heldIdle: [{ at: 'pay (/app/src/pay.ts:9:3)', heldIdleMs: 61_000, leases: 12 }],
    clusterState: 'STEADY',
    activeEndpoint: 'db:5432/app',
    lastFailover: { at: new Date(Date.UTC(2030, 0, 1)), text: 'failover from a to b in 900 ms' },
  }
  return {
    key: labelFingerprint(all),
    status: 'firing',
    rule: all.alertname,
    severity: 'critical',
    labels: all,
    annotations: { summary: '5 of 5 connections are in use', ...annotationsOf(diagnosis) },
    value: 1,
    startsAt: new Date(Date.UTC(2030, 0, 1, 12)),
    endsAt: undefined,
    diagnosis,
    ...more,
  }
}
