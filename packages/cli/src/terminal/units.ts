const DURATIONS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1000 },
] as const
/** Shorter times are not shown more exactly. */
const SHORTEST_MS = 0.1
const SIZES = ['kB', 'MB', 'GB', 'TB', 'PB'] as const

/** A time for people: `12 ms`, `3.4 s`, `5 min`, `2.1 d`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return 'no limit'
  const found = DURATIONS.find((each) => ms >= each.ms)
  if (ms > 0 && ms < SHORTEST_MS) return `<${SHORTEST_MS} ms`
  if (found === undefined) return `${ms < 10 ? trim(ms) : Math.round(ms)} ms`
  return `${trim(ms / found.ms)} ${found.unit}`
}

/** A size for people: `512 B`, `1.5 MB`. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  const index = Math.min(SIZES.length, Math.floor(Math.log2(count) / 10))
  return `${trim(count / 1024 ** index)} ${SIZES[index - 1]}`
}

/** A count with its noun: `1 index`, `3 indexes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** A share of a whole: `83 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}
