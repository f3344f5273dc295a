import type { Measured, Suite, Unit } from './suite.js'

/** One case as it is written: times by contender, and how ours compares. */
type CaseResult = Record<string, number | string | Readonly<Record<string, number | string>>>
export type SuiteResult = Record<string, CaseResult>

/** @returns undefined if there is no peer to compare with, or too much noise */
export function ratioToBestPeer(suite: Suite, { isNoisy, times }: Measured): number | undefined {
  const peers = suite.peers.flatMap((peer) => times[peer] ?? [])
  return times.connmgr === undefined || peers.length === 0 || isNoisy === true
    ? undefined
    : times.connmgr / Math.min(...peers)
}

export function resultOf(suite: Suite, cases: Record<string, Measured>): SuiteResult {
  return Object.fromEntries(
    Object.entries(cases).map(([name, measured]) => {
      const ratio = ratioToBestPeer(suite, measured)
      const rounded = Object.fromEntries(
        Object.entries(measured.times).map(([contender, time]) => [contender, round(time)]),
      )
      return [
        name,
        {
          ...rounded,
          ...(ratio === undefined ? {} : { ratioToBestPeer: Number(ratio.toFixed(3)) }),
          ...(measured.unit === undefined ? {} : { unit: measured.unit }),
          ...measured.also,
        },
      ]
    }),
  )
}

/** The cases of a suite as a table for people. */
export function tableOf(suite: Suite, cases: Record<string, Measured>): string {
  const contenders = [...new Set(Object.values(cases).flatMap(({ times }) => Object.keys(times)))]
  const rows = [['', ...contenders, 'ratio']]
  for (const [name, measured] of Object.entries(cases)) {
    rows.push([
      name,
      ...contenders.map((each) => figure(measured.times[each], measured.unit)),
      ratioToBestPeer(suite, measured)?.toFixed(2) ?? '',
    ])
    for (const [what, figures] of Object.entries(measured.also ?? {})) {
      const isTime = what.startsWith('p99') || what.endsWith('time')
      rows.push([
        `  ${what}`,
        ...contenders.map((each) =>
          isTime ? duration(figures[each] as number | undefined) : String(figures[each] ?? '–'),
        ),
        '',
      ])
    }
  }
  const widths = (rows[0] as string[]).map((_cell, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  )
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
      )
      .join('  '),
  )
  return [`${suite.name}: ${suite.about}`, ...lines.map((line) => `  ${line}`)].join('\n')
}

export function figure(value: number | undefined, unit: Unit = 'ns'): string {
  if (unit === 'ns' || value === undefined) return duration(value)
  return `${Math.round(value)} bytes`
}

function duration(nanoseconds: number | undefined): string {
  if (nanoseconds === undefined) return '–'
  if (nanoseconds < 10_000) return `${Math.round(nanoseconds)} ns`
  if (nanoseconds < 10_000_000) return `${(nanoseconds / 1000).toFixed(1)} µs`
  return `${(nanoseconds / 1_000_000).toFixed(1)} ms`
}

function round(value: number): number {
  return value < 100 ? Number(value.toFixed(1)) : Math.round(value)
}
