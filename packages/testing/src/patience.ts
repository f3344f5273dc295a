import { execFile } from 'node:child_process'
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Carries what was measured at the start of a run into the processes of that run. */
const VARIABLE = 'CONNMGR_TEST_SLOWNESS'
/** Beyond this a run cannot pass, and a test that hangs should end within a working day. */
const MOST = 20
/** What starting Node takes on a quiet machine of the kind that the recorded durations were taken on. */
const QUIET_START_MS = 80
/** What a timer may be late by when nothing competes for the processor. */
const QUIET_LATENESS_MS = 3
const SPAWNS = 3
const TICKS = 20

const run = promisify(execFile)

/**
 * Returns a deadline that a busy machine meets: `ms` of a quiet machine, times how much slower this one is now.
 *
 * For every deadline whose passing means failure, and for every knob that a test does not want to take effect. A
 * timeout that a test waits for stays as it is.
 */
export function patient(ms: number): number {
  return Math.ceil(ms * slowness())
}

/**
 * Returns how many times longer than on a quiet machine things take now, from 1 to 20: the greater of what
 * {@link calibrate} measured at the start of the run and what the load average says now.
 */
export function slowness(): number {
  const measured = Number(process.env[VARIABLE] ?? 1)
  return within(Math.max(measured, (loadavg()[0] as number) / availableParallelism()))
}

/**
 * Measures how slow this machine is, by what it takes to start a process and by how late timers fire, and leaves the
 * result to {@link slowness} in this process and in those that it starts.
 */
export async function calibrate(): Promise<number> {
  const starts: number[] = []
  for (let n = 0; n < SPAWNS; n += 1) {
    starts.push(await timed(() => run(process.execPath, ['-e', '0'])))
  }
  const ticks: number[] = []
  for (let n = 0; n < TICKS; n += 1) ticks.push(await timed(() => delay(1)))
  const measured = within(
    Math.max(median(starts) / QUIET_START_MS, median(ticks) / (1 + QUIET_LATENESS_MS)),
  )
  process.env[VARIABLE] = measured.toFixed(2)
  return slowness()
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await action()
  return performance.now() - startedAt
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

function within(factor: number): number {
  return Math.min(MOST, Math.max(1, factor))
}
