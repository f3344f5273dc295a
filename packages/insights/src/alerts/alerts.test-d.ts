import type { ConnectionManager } from '@connmgr/core'
import { expectTypeOf } from 'expect-type'
import type { Insights } from '../insights.js'
import type { MeasuredManager } from '../recommendations/facts.js'
import type { AlertSink } from './alert.js'
import { alerts } from './alerts.js'
import type { AlertsOptions } from './options.js'
import type { AlertRule, InsightsSource, RuleContext, WatchedManager } from './rule.js'
import { rules } from './rules.js'
import { sinks } from './sinks.js'

declare const manager: ConnectionManager<{ query(): void }>
declare const watched: Insights

// Every manager can be watched, and everything that insights(manager) returns can be read.
expectTypeOf(manager).toExtend<WatchedManager & MeasuredManager>()
expectTypeOf(watched).toExtend<InsightsSource>()

expectTypeOf(rules.all()).toEqualTypeOf<AlertRule[]>()
expectTypeOf(sinks.slack).returns.toEqualTypeOf<AlertSink>()
expectTypeOf(alerts).parameter(0).toEqualTypeOf<AlertsOptions>()

alerts({
  managers: [manager],
  insights: watched,
  rules: [
    rules.leaks({ severity: 'critical' }),
    ({ metrics }: RuleContext) => metrics.waiting > 3,
    { name: 'Lag', when: ({ failover }) => failover.endpoints.map(({ id }) => ({ summary: id })) },
  ],
  sinks: [sinks.webhook({ url: 'http://x', headers: { a: 'b' } }), async (sent) => sent.length],
})

// @ts-expect-error there must be sinks
alerts({ rules: [] })
// @ts-expect-error a finding says what it is
alerts({ sinks: [], rules: [{ name: 'x', when: () => ({ labels: {} }) }] })
// @ts-expect-error no such threshold
rules.errorRate({ ration: 0.1 })
