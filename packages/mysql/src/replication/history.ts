import type { Order } from '@connmgr/core/driver'
import {
  containsSet,
  type GtidSet,
  parseMariadbSet,
  parseMysqlSet,
  sourcesBeyond,
} from './gtid-set.js'

/** Servers number their transactions in two ways, and neither understands the other's. */
export type Flavour = 'mysql' | 'mariadb'

/** What a server has executed, and which one it is. */
interface History {
  readonly flavour: Flavour
  /** By what its own transactions are known: its `server_uuid`, or its `server_id` in MariaDB. */
  readonly server: string
  readonly executed: GtidSet
  /**
   * Up to which number it may have more in a domain than it shows. A MariaDB replica that does not log what it applies
   * (`log_slave_updates`) knows only the last transaction of each domain, and not the servers of those before.
   */
  readonly hides: ReadonlyMap<string, bigint>
}

/**
 * @param executed `gtid_executed`, or `gtid_binlog_state`
 * @param applied MariaDB alone: `gtid_slave_pos`
 */
export function formatHistory(
  flavour: Flavour,
  server: string,
  executed: string,
  applied = '',
): string {
  const all = flavour === 'mysql' ? executed : `${executed}|${applied}`
  return `${flavour} ${server} ${withoutBlanks(all)}`
}

/**
 * How one history is to another, by what the servers have executed. Containing all of the other's and more is no proof of a
 * promotion, so that it is never `newer` or `older`:
 *
 * - Equal sets are those of a writer and of a server that has just been promoted, or of any two others.
 * - What a server lacks of its own writing it has lost in a crash, after a replica had fetched it. That its replica has it
 *   says nothing about another writer.
 */
export function orderHistories(one: string, other: string): Order {
  const first = parseHistory(one)
  const second = parseHistory(other)
  if (first === undefined || second === undefined || first.flavour !== second.flavour)
    return 'unknown'
  if (first.server === second.server) return orderOfOne(first, second)
  const extra = beyond(first, second)
  const missing = beyond(second, first)
  if (extra.sure.length > 0 && missing.sure.length > 0) return 'diverged'
  if (extra.sure.length === 0 && missing.sure.length === 0) return 'equal'
  const [more, loser, order] =
    extra.sure.length > 0
      ? ([extra, second, 'ahead'] as const)
      : ([missing, first, 'behind'] as const)
  // It may lack something as well.
  if ((more === extra ? missing : extra).doubtful) return 'unknown'
  // What is only the other's own, and lost by it, proves nothing.
  return more.sure.some((source) => !isOwn(source, loser)) ? order : 'unknown'
}

/** What one server has and another lacks, for certain or perhaps. */
function beyond(one: History, other: History): { sure: string[]; doubtful: boolean } {
  const sources = sourcesBeyond(one.executed, other.executed)
  const sure = sources.filter((source) => {
    const hidden = other.hides.get(domainOf(source))
    const last = one.executed.sources.get(source)?.at(-1)?.[1]
    return hidden === undefined || last === undefined || last > hidden
  })
  return { sure, doubtful: sure.length < sources.length }
}

/** One server at two times: what others have written meanwhile came by a change of the writer. */
function orderOfOne(one: History, other: History): Order {
  const extra = sourcesBeyond(one.executed, other.executed)
  const missing = sourcesBeyond(other.executed, one.executed)
  const foreign = (sources: readonly string[]): boolean =>
    sources.some((source) => !isOwn(source, one))
  if (foreign(extra) && foreign(missing)) return 'diverged'
  if (foreign(missing)) return 'behind'
  // It went on, or lost in a crash what only it had.
  return extra.length > 0 ? 'ahead' : 'same'
}

function isOwn(source: string, { flavour, server }: History): boolean {
  if (flavour === 'mariadb') return source.slice(source.indexOf('-') + 1) === server
  return source === server || source.startsWith(`${server}:`)
}

function parseHistory(text: string): History | undefined {
  const [flavour, server, written] = text.split(' ')
  if ((flavour !== 'mysql' && flavour !== 'mariadb') || server === undefined || !written)
    return undefined
  const [executed = '', applied = ''] = written.split('|')
  try {
    return {
      flavour,
      server: server.toLowerCase(),
      executed:
        flavour === 'mysql' ? parseMysqlSet(executed) : parseMariadbSet(`${executed},${applied}`),
      hides: flavour === 'mysql' ? new Map() : hiddenBy(executed, applied),
    }
  } catch {
    // Sent by another process, or by a version that writes it in another way: it tells nothing.
    return undefined
  }
}

/** Of the domains in which what is applied is not logged as well, the number up to which that may be anything. */
function hiddenBy(logged: string, applied: string): Map<string, bigint> {
  const hidden = new Map<string, bigint>()
  const log = parseMariadbSet(logged)
  for (const [domain, { server, sequence }] of lastOfDomains(applied)) {
    const known = log.sources.get(`${domain}-${server}`)?.at(-1)?.[1] ?? 0n
    if (known < sequence) hidden.set(domain, sequence)
  }
  return hidden
}

function domainOf(source: string): string {
  return source.slice(0, source.indexOf('-'))
}

/** @param applied MariaDB alone: `gtid_slave_pos` of a standby, `gtid_current_pos` of a primary: what can be read by now */
export function formatPosition(flavour: Flavour, executed: string, applied = ''): string {
  return flavour === 'mysql'
    ? `mysql ${withoutBlanks(executed)}`
    : `mariadb ${withoutBlanks(applied)} ${withoutBlanks(executed)}`
}

/**
 * Whether a server at one position has all that was written up to another. Where that cannot be told it has not.
 *
 * MariaDB writes the binary log, whose state tells all that a server has, before a transaction can be read; so the last
 * one applied in each domain has to be there, and beyond.
 */
export function coversPosition(position: string, written: string): boolean {
  const [flavour, first = '', second = ''] = position.split(' ')
  const [writtenFlavour, writtenFirst = ''] = written.split(' ')
  if (flavour !== writtenFlavour) return false
  try {
    if (flavour === 'mysql') return containsSet(parseMysqlSet(first), parseMysqlSet(writtenFirst))
    if (flavour !== 'mariadb') return false
    return coversApplied(first, second, writtenFirst)
  } catch {
    return false
  }
}

function coversApplied(applied: string, state: string, written: string): boolean {
  const last = lastOfDomains(applied)
  const has = parseMariadbSet(`${state},${applied}`)
  for (const [domain, { server, sequence }] of lastOfDomains(written)) {
    const mine = last.get(domain)
    if (mine === undefined || mine.sequence < sequence) return false
    // After a promotion the numbers go on, whether or not that transaction was among those before.
    const known = has.sources.get(`${domain}-${server}`)?.[0]?.[1] ?? 0n
    if (known < sequence) return false
  }
  return true
}

function lastOfDomains(text: string): Map<string, { server: string; sequence: bigint }> {
  const last = new Map<string, { server: string; sequence: bigint }>()
  for (const part of text.split(',').filter((each) => each !== '')) {
    const [domain = '', server = '', sequence = ''] = part.split('-')
    last.set(domain, { server, sequence: BigInt(sequence) })
  }
  return last
}

function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, '')
}
