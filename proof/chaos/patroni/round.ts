import { setTimeout as delay } from 'node:timers/promises'
import { LEDGER_TABLE } from '../../demo/src/ledger.js'
import { now } from '../src/now.js'
import { Caller, type CallerFigures } from './caller.js'
import type { Fault } from './faults.js'
import type { PatroniLab } from './lab/patroni-lab.js'
import { type Leadership, LeaderWatch } from './leader-watch.js'
import type { Route, RouteName } from './routes.js'

const LOOK_MS = 20
/** How long the callers work before the fault, and after everything that belongs to it. */
const CALM_MS = 1500
const LONGEST_START_MS = 20_000
const LONGEST_ELECTION_MS = 40_000
/** A route that does not serve within this time after the new leader could be seen never will. */
const LONGEST_RECOVERY_MS = 20_000
/** So many writes in a row are no accident. */
const RECOVERED = 25

/** What one round of a fault came to. */
export interface Round {
  readonly fault: Fault['name']
  /** From the fault until a new leader could be seen; undefined if none came. */
  readonly electionMs: number | undefined
  readonly routes: Readonly<Partial<Record<RouteName, RouteFigures>>>
}

export interface RouteFigures extends CallerFigures {
  /** Whether writes succeed again at the end. */
  readonly recovered: boolean
}

/** One fault, once, with callers on all routes at the same time. */
export async function runRound(
  lab: PatroniLab,
  fault: Fault,
  routes: readonly Route[],
  show: (line: string) => void,
): Promise<Round> {
  const before = await lab.leader()
  await before.query(`drop table if exists ledger; ${LEDGER_TABLE}`)
  const watch = new LeaderWatch(lab.nodes)
  const callers = routes.map((route) => new Caller(route, route.open(lab)))
  try {
    const started = (each: Caller): boolean => each.successesSince(0) >= RECOVERED
    await until(LONGEST_START_MS, () => callers.every(started))
    const late = callers.filter((each) => !started(each)).map((each) => each.route.name)
    if (late.length > 0)
      throw new Error(`before any fault, nothing is written by ${late.join(', ')}`)
    await delay(CALM_MS)
    const begunAt = now()
    // A switchover or a restart is answered when it is over, which is too late to look on.
    const begun = fault.begin(lab, before)
    begun.catch((error: unknown) => show(`  ${error instanceof Error ? error.message : error}`))
    if (fault.endsAfterMs !== undefined) await delay(fault.endsAfterMs)
    if (fault.endsAfterMs !== undefined) await fault.end?.(lab, before)
    await until(LONGEST_ELECTION_MS, () => watch.successor(begunAt) !== undefined)
    const successor = watch.successor(begunAt)
    const seenAt = successor?.seenAt ?? now()
    const serves = (each: Caller): boolean => each.successesSince(seenAt) >= RECOVERED
    await until(LONGEST_RECOVERY_MS, () => callers.every(serves))
    if (fault.endsAfterMs === undefined) await fault.end?.(lab, before)
    await delay(CALM_MS)
    const calmAt = now() - CALM_MS / 2
    const recovered = new Map(
      callers.map((each) => [each, serves(each) && each.successesSince(calmAt) > 0]),
    )
    await Promise.all(callers.map((each) => each.stop()))
    await lab.heal()
    return {
      fault: fault.name,
      electionMs: successor === undefined ? undefined : successor.seenAt - begunAt,
      routes: await collect(lab, callers, recovered, successor),
    }
  } finally {
    for (const each of callers) each.load.pause()
    await Promise.allSettled([watch.stop(), ...callers.map((each) => each.close())])
  }
}

async function collect(
  lab: PatroniLab,
  callers: readonly Caller[],
  recovered: ReadonlyMap<Caller, boolean>,
  successor: Leadership | undefined,
): Promise<Round['routes']> {
  const survivor = await lab.leader()
  const found: Partial<Record<RouteName, RouteFigures>> = {}
  for (const caller of callers) {
    const figures = await caller.figures(survivor, successor)
    found[caller.route.name] = { ...figures, recovered: recovered.get(caller) === true }
  }
  return found
}

/** Waits until it is so, or the time is over. */
async function until(withinMs: number, condition: () => boolean): Promise<void> {
  const deadline = now() + withinMs
  while (!condition() && now() < deadline) await delay(LOOK_MS)
}
