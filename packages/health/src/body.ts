import type { EndpointStatus, HealthStatus } from '@connmgr/core'
import { redactText } from '@connmgr/core'
import { stateIs } from '@connmgr/core/driver'
import type { Details } from './options.js'
import {
  type Finding,
  type HealthOutcome,
  type HealthReport,
  type ManagerReport,
  worst,
} from './watch/report.js'

/** A part of a body, as draft-inadarei-api-health-check describes it, with members of our own. */
interface Check {
  readonly componentType: 'datastore'
  readonly status: HealthOutcome
  readonly [member: string]: unknown
}

type Checks = Record<string, readonly Check[]>

/** The outcome of readiness as a whole: an optional manager that fails is a warning. */
function readinessOutcome({ draining, managers, ready }: HealthReport): HealthOutcome {
  if (draining || !ready) return 'fail'
  return worst(managers.map(({ outcome }) => (outcome === 'fail' ? 'warn' : outcome)))
}

export function readinessBody(report: HealthReport, details: Details): object {
  const status = readinessOutcome(report)
  if (details === 'none') return { status }
  const output = report.draining ? 'the process is shutting down' : undefined
  return withChecks({ status, output }, report, details)
}

/** Fails until every manager that is not optional has been able to serve once. */
export function startupBody(report: HealthReport, details: Details): object {
  const status: HealthOutcome = report.started ? 'pass' : 'fail'
  if (details === 'none') return { status }
  const waiting = report.managers.filter((each) => !each.started && !each.optional)
  const output =
    waiting.length === 0
      ? undefined
      : `no connection yet: ${waiting.map((each) => each.name).join(', ')}`
  return withChecks({ status, output }, report, details)
}

function withChecks(
  { output, status }: { status: HealthOutcome; output: string | undefined },
  { managers }: HealthReport,
  details: Details,
): object {
  const notes = managers.flatMap(({ findings, name }) =>
    findings.filter((each) => each.outcome === 'pass').map((each) => `${name}: ${each.message}`),
  )
  const checks: Checks = {}
  for (const each of managers) {
    checks[`${each.name}:readiness`] = [readinessCheck(each, details)]
    checks[`${each.name}:connections`] = [connectionsCheck(each)]
    if (details === 'full') Object.assign(checks, fullChecks(each))
  }
  return {
    status,
    ...(output === undefined ? {} : { output }),
    ...(notes.length === 0 ? {} : { notes }),
    checks,
  }
}

function readinessCheck(report: ManagerReport, details: Details): Check {
  const { findings, optional, outcome } = report
  const telling = findings.filter((each) => each.outcome !== 'pass')
  const texts = telling.map((each) => textOf(each, details))
  return {
    componentType: 'datastore',
    observedValue: telling[0]?.code ?? 'ok',
    status: outcome,
    ...(optional ? { optional } : {}),
    ...(texts.length === 0 ? {} : { output: texts.join('; ') }),
  }
}

function textOf({ detail, message }: Finding, details: Details): string {
  return details === 'full' && detail !== undefined ? `${message}: ${redactText(detail)}` : message
}

function connectionsCheck({ findings, status }: ManagerReport): Check {
  const { checkedIn, checkedOut, limit, waiting } = status.poolMetrics
  const exhausted = findings.some((each) => each.code === 'pool-exhausted')
  return {
    componentType: 'datastore',
    observedValue: checkedOut,
    observedUnit: 'connections in use',
    status: exhausted ? 'warn' : 'pass',
    idle: checkedIn,
    waiting,
    limit,
  }
}

function fullChecks({ name, status }: ManagerReport): Checks {
  const { failoverStats, healthCheck, leakDetection } = status
  return {
    [`${name}:servers`]: failoverStats.endpoints.map((each) => serverCheck(each, status)),
    ...(healthCheck === undefined
      ? {}
      : {
          [`${name}:responseTime`]: [
            {
              componentType: 'datastore',
              componentId: healthCheck.endpoint,
              observedValue: Math.round(healthCheck.responseTimeMs * 10) / 10,
              observedUnit: 'ms',
              status: healthCheck.healthy ? 'pass' : 'warn',
              time: healthCheck.at.toISOString(),
            },
          ],
        }),
    [`${name}:leaks`]: [
      {
        componentType: 'datastore',
        observedValue: leakDetection.active,
        observedUnit: 'leaked connections',
        status: leakDetection.active > 0 ? 'warn' : 'pass',
      },
    ],
  }
}

function serverCheck(endpoint: EndpointStatus, { monitored }: HealthStatus): Check {
  const { active, id, lagMs, lastError, loginError, role, since, state } = endpoint
  const error = loginError ?? lastError
  const fit = (!monitored || stateIs(state, 'expected')) && loginError === undefined
  return {
    componentType: 'datastore',
    componentId: id,
    observedValue: state,
    status: fit ? 'pass' : 'warn',
    time: since.toISOString(),
    role,
    active,
    ...(lagMs === undefined ? {} : { lagMs: Math.round(lagMs) }),
    ...(fit || error === undefined ? {} : { output: redactText(error.message) }),
  }
}
