/** Transactions from one number to another, both included. */
type Interval = readonly [from: bigint, to: bigint]

/**
 * A set of transactions by their global identifiers, as servers write it. Two sets are only partly ordered: each may have
 * what the other lacks.
 */
export interface GtidSet {
  /** All that one server has written, one name for each: `uuid` of MySQL, `domain-server` of MariaDB. */
  readonly sources: ReadonlyMap<string, readonly Interval[]>
}

const MYSQL_UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const TAG = /^[a-z_][a-z0-9_]{0,31}$/i
const INTERVAL = /^(\d+)(?:-(\d+))?$/
const MARIADB_GTID = /^(\d+)-(\d+)-(\d+)$/

/**
 * MySQL's `gtid_executed`: `uuid:1-5:7,uuid:tag:1-3`.
 *
 * @throws TypeError for a text that is none
 */
export function parseMysqlSet(text: string): GtidSet {
  const sources = new Map<string, Interval[]>()
  for (const part of partsOf(text)) {
    const [uuid = '', ...rest] = part.split(':').map((each) => each.trim())
    if (!MYSQL_UUID.test(uuid) || rest.length === 0) throw invalid(text)
    let source = uuid.toLowerCase()
    for (const each of rest) {
      const [, from, to = from] = INTERVAL.exec(each) ?? []
      if (from === undefined || to === undefined) {
        if (!TAG.test(each)) throw invalid(text)
        source = `${uuid.toLowerCase()}:${each.toLowerCase()}`
        continue
      }
      const intervals = sources.get(source) ?? []
      intervals.push([BigInt(from), BigInt(to)])
      sources.set(source, intervals)
    }
  }
  for (const [source, intervals] of sources) sources.set(source, joined(intervals))
  return { sources }
}

/**
 * MariaDB's `gtid_binlog_state`: the last transaction of each server in each domain, `0-1-7,0-2-8`. A server numbers its
 * own in order, so each stands for all before it.
 *
 * @throws TypeError for a text that is none
 */
export function parseMariadbSet(text: string): GtidSet {
  const sources = new Map<string, readonly Interval[]>()
  for (const part of partsOf(text)) {
    const [, domain, server, sequence] = MARIADB_GTID.exec(part) ?? []
    if (sequence === undefined) throw invalid(text)
    const source = `${domain}-${server}`
    const to = BigInt(sequence)
    const known = sources.get(source)?.[0]?.[1] ?? 0n
    sources.set(source, [[1n, larger(to, known)]])
  }
  return { sources }
}

/** What is in one set and not in the other, as the sources of that. */
export function sourcesBeyond(one: GtidSet, other: GtidSet): string[] {
  const beyond: string[] = []
  for (const [source, intervals] of one.sources) {
    const known = other.sources.get(source) ?? []
    if (
      !intervals.every((each) => known.some((wider) => wider[0] <= each[0] && each[1] <= wider[1]))
    )
      beyond.push(source)
  }
  return beyond
}

/** Whether one set has all that is in the other. */
export function containsSet(one: GtidSet, other: GtidSet): boolean {
  return sourcesBeyond(other, one).length === 0
}

function partsOf(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

/** In order, and without gaps between those that touch. */
function joined(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = []
  for (const [from, to] of [...intervals].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (to < from) continue
    const last = result.at(-1)
    if (last !== undefined && from <= last[1] + 1n)
      result[result.length - 1] = [last[0], larger(to, last[1])]
    else result.push([from, to])
  }
  return result
}

/** Math.max takes no bigint. */
function larger(one: bigint, other: bigint): bigint {
  if (one > other) return one
  return other
}

function invalid(text: string): TypeError {
  return new TypeError(`not a set of GTIDs: ${JSON.stringify(text.slice(0, 100))}`)
}
