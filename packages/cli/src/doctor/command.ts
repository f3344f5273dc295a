import { systemClock } from '@connmgr/core/driver'
import { EXIT_CODE, type ExitCode } from '../exit-code.js'
import {
  choiceOf,
  countOf,
  type OptionDeclarations,
  type Parsed,
  textsOf,
} from '../options/parse.js'
import { resolveTargets, type Target } from '../targets.js'
import type { Io } from '../terminal/io.js'
import { styleFor } from '../terminal/style.js'
import { findInCluster } from './cluster.js'
import { examine } from './examine.js'
import { ranked } from './finding.js'
import type { Plan } from './plan.js'
import { renderDoctor } from './render.js'
import { countBySeverity, DOCTOR_SCHEMA_VERSION, type DoctorReport, passes } from './report.js'

/** The options of `doctor`. */
export const DOCTOR_OPTIONS = {
  url: { type: 'string', multiple: true },
  instances: { type: 'string' },
  limit: { type: 'string' },
  'max-lifetime': { type: 'string' },
  'idle-timeout': { type: 'string' },
  'nat-timeout': { type: 'string' },
  'idle-transaction': { type: 'string' },
  timeout: { type: 'string' },
  'fail-on': { type: 'string' },
} as const satisfies OptionDeclarations

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_POOL_SIZE = 5
const DEFAULT_MAX_OVERFLOW = 10
const DEFAULT_MAX_LIFETIME_MS = 3_600_000
const DEFAULT_IDLE_TIMEOUT_MS = 600_000
/** That of NAT gateways and network load balancers of AWS; Azure's is 240 s, Google's 600 s and more. */
const DEFAULT_NAT_TIMEOUT_MS = 350_000
const DEFAULT_IDLE_TRANSACTION_MS = 5000

/** Examines servers, and prints what is wrong with them. */
export async function runDoctor(parsed: Parsed, io: Io): Promise<ExitCode> {
  const failOn = choiceOf(parsed, 'fail-on', ['critical', 'warning', 'advice', 'never'], 'warning')
  const timeoutMs = countOf(parsed, 'timeout', { least: 1 }) ?? DEFAULT_TIMEOUT_MS
  const targets = await resolveTargets(textsOf(parsed, 'url'), io.env)
  const plan = planOf(parsed, io, targets)
  const examinations = await Promise.all(
    targets.map((target) => examine(target, plan, timeoutMs, io.signal)),
  )
  if (io.signal.aborted) return EXIT_CODE.interrupted
  const findings = ranked(
    [
      ...examinations.flatMap((each) => each.findings),
      ...(targets[0]?.kind === 'sqlite' ? [] : findInCluster(examinations)),
    ],
    targets.map(({ endpoint }) => endpoint.id),
  )
  const ok = passes(findings, failOn)
  const report: DoctorReport = {
    schemaVersion: DOCTOR_SCHEMA_VERSION,
    command: 'doctor',
    at: new Date(plan.now).toISOString(),
    ok,
    failOn,
    plan: { instances: plan.instances, limit: plan.limit },
    servers: examinations.map(({ server }) => server),
    findings,
    counts: countBySeverity(findings),
    notSeen: examinations.flatMap(({ notSeen }) => notSeen),
  }
  const style = styleFor(io.stdout, io.env, parsed['no-color'] !== true)
  io.stdout.write(
    parsed.json === true ? `${JSON.stringify(report, null, 2)}\n` : renderDoctor(report, style),
  )
  if (report.servers.every(({ reachable }) => !reachable)) return EXIT_CODE.unreachable
  return ok ? EXIT_CODE.ok : EXIT_CODE.findings
}

function planOf(parsed: Parsed, { env }: Io, targets: readonly Target[]): Plan {
  const ofUrl = Number(targets[0]?.parameters.get('connection_limit'))
  const ofEnvironment =
    countIn(env.DB_POOL_SIZE, DEFAULT_POOL_SIZE) +
    countIn(env.DB_MAX_OVERFLOW, DEFAULT_MAX_OVERFLOW)
  const time = (name: string, fallback: number): number => {
    const given = countOf(parsed, name, { least: 0 }) ?? fallback
    return given === 0 ? Number.POSITIVE_INFINITY : given
  }
  return {
    instances: countOf(parsed, 'instances', { least: 1 }) ?? 1,
    limit: countOf(parsed, 'limit', { least: 1 }) ?? (ofUrl > 0 ? ofUrl : ofEnvironment),
    maxLifetimeMs: time('max-lifetime', DEFAULT_MAX_LIFETIME_MS),
    idleTimeoutMs: time('idle-timeout', DEFAULT_IDLE_TIMEOUT_MS),
    natTimeoutMs: time('nat-timeout', DEFAULT_NAT_TIMEOUT_MS),
    idleTransactionMs:
      countOf(parsed, 'idle-transaction', { least: 0 }) ?? DEFAULT_IDLE_TRANSACTION_MS,
    now: systemClock.wallTime(),
  }
}

function countIn(text: string | undefined, fallback: number): number {
  const value = Number(text?.trim() || fallback)
  return Number.isInteger(value) && value >= 0 ? value : fallback
}
