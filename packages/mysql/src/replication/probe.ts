import type { MissingRight, Role } from '@connmgr/core'
import { type Probe, type ProbeResult, systemClock, toError } from '@connmgr/core/driver'
import { type DriverError, errnoOf } from '../errors/classify.js'
import type { Session } from '../session.js'
import { formatHistory, formatPosition } from './history.js'
import { type Column, QUESTIONS, textOfQuestion, WITHHELD } from './questions.js'

/** Pause before a server that did not tell everything is asked for all of it again. */
const ASK_FOR_MORE_MS = 10_000
const ACCESS_DENIED = 1227

/** With figures of the server's own. */
export interface DescribedServer extends ProbeResult {
  readonly details: Readonly<Record<string, string | number>>
}

type Answer = Partial<Record<Column, string | null>>

/** What one check has sent. */
interface Sent {
  statements: number
}

/** Asks a server what it is. */
export class MysqlProbe implements Probe {
  readonly #session: Session
  readonly #now: () => number
  readonly #ownsSession: boolean
  /** Which of the questions the server answers. */
  #level = 0
  #mayAskLag = true
  /** MySQL before 8.0.22 knows the older word alone, and from 8.4 on the newer one. */
  #word: 'REPLICA' | 'SLAVE'
  /** Asked once: a server that is started again has ended the session, and to find out is the dearest of the questions. */
  #startedAt: string | undefined
  #askForMoreAt = Number.POSITIVE_INFINITY

  /** @param options.ownsSession false if others use the session too; then one statement is sent, and no more. `@default` true */
  constructor(
    session: Session,
    {
      now = () => systemClock.now(),
      ownsSession = true,
    }: { now?: () => number; ownsSession?: boolean } = {},
  ) {
    this.#session = session
    this.#word = session.flavour === 'mysql' ? 'REPLICA' : 'SLAVE'
    this.#now = now
    this.#ownsSession = ownsSession
  }

  check(signal: AbortSignal): Promise<ProbeResult> {
    if (signal.aborted) return Promise.reject(toError(signal.reason))
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(toError(signal.reason)), { once: true })
    })
    return Promise.race([this.#check(), aborted])
  }

  destroy(): void {
    this.#session.destroy()
  }

  async #check(): Promise<ProbeResult> {
    if (this.#now() >= this.#askForMoreAt) {
      this.#level = 0
      this.#mayAskLag = true
      this.#askForMoreAt = Number.POSITIVE_INFINITY
    }
    const sent: Sent = { statements: 0 }
    const answer = await this.#ask(sent)
    this.#startedAt ??= answer.startedAt ?? undefined
    const role = roleOf(answer)
    const lag = role === 'standby' && this.#ownsSession ? await this.#askLag(sent) : undefined
    return { ...this.#describe(answer, role, lag), roundTrips: sent.statements }
  }

  /** Less is asked only of a server that does not have, or does not show, what was asked. */
  async #ask(sent: Sent): Promise<Answer> {
    const questions = QUESTIONS[this.#session.flavour]
    for (;;) {
      const { startedAt, ...rest } = questions[this.#level] as Partial<Record<Column, string>>
      const columns =
        startedAt === undefined || this.#startedAt !== undefined ? rest : { ...rest, startedAt }
      sent.statements += 1
      try {
        const [row] = await this.#session.ask(textOfQuestion(columns))
        if (row === undefined) throw new Error('the server answered a probe with nothing')
        return Object.fromEntries(Object.keys(columns).map((name, index) => [name, row[index]]))
      } catch (error) {
        if (!isWithheld(error) || this.#level === questions.length - 1) throw error
        this.#level += 1
        this.#askForMoreAt = this.#now() + ASK_FOR_MORE_MS
      }
    }
  }

  /** How many seconds a replica is behind its source; undefined if it has none, or that is not known. */
  async #askLag(sent: Sent): Promise<number | undefined> {
    if (!this.#mayAskLag) return undefined
    sent.statements += 1
    try {
      const { names, rows } = await this.#session.askNamed(`SHOW ${this.#word} STATUS`)
      const at = names.findIndex((name) => /^Seconds_Behind_(?:Master|Source)$/i.test(name))
      const lag = rows[0]?.[at]
      return lag === undefined || lag === null ? undefined : Number(lag)
    } catch (error) {
      if (errnoOf(error as DriverError) === SYNTAX && this.#word === 'REPLICA') {
        this.#word = 'SLAVE'
        return this.#askLag(sent)
      }
      if (!isWithheld(error)) throw error
      return this.#withheldLag()
    }
  }

  #withheldLag(): undefined {
    this.#mayAskLag = false
    this.#askForMoreAt = this.#now() + ASK_FOR_MORE_MS
    return undefined
  }

  #describe(answer: Answer, role: Role, lag: number | undefined): DescribedServer {
    const { flavour, serverVersion } = this.#session
    const { applied = '', current, executed, name, serverId, transactionsReadOnly } = answer
    const tells = Boolean(executed || applied)
    const missing = this.#missing()
    return {
      role,
      writable: role === 'primary' && !isOn(transactionsReadOnly),
      ...(name ? { server: name } : {}),
      ...(this.#startedAt ? { startedAt: this.#startedAt } : {}),
      ...(serverId && tells
        ? {
            history: formatHistory(flavour, serverId, executed ?? '', applied ?? ''),
            position: formatPosition(
              flavour,
              executed ?? '',
              (role === 'standby' ? applied : current) ?? '',
            ),
          }
        : {}),
      ...(missing.length === 0 ? {} : { missing }),
      details: {
        version: serverVersion.replace(/^5\.5\.5-/, ''),
        ...(lag === undefined ? {} : { lagSeconds: lag }),
      },
    }
  }

  #missing(): MissingRight[] {
    const missing: MissingRight[] = []
    if (this.#level > 0)
      missing.push({
        name: 'system variables',
        turnsOff:
          this.#level === 1
            ? 'telling a restarted server from one that only lost its connections'
            : 'comparing what servers have executed, and reading own writes on standbys',
      })
    if (!this.#mayAskLag)
      missing.push({
        name: this.#session.flavour === 'mariadb' ? 'REPLICA MONITOR' : 'REPLICATION CLIENT',
        turnsOff: 'knowing how far a standby is behind',
      })
    return missing
  }
}

/**
 * A server that is read-only is a standby, whether or not it replicates: it refuses the writes of applications, and one
 * that is marked so while its replication is set up anew is no writer either. One that is not read-only is a primary even
 * if it replicates: of two that replicate from each other the one without `read_only` is the writer.
 */
function roleOf({ innodbReadOnly, readOnly }: Answer): Role {
  return isOn(readOnly) || isOn(innodbReadOnly) ? 'standby' : 'primary'
}

const SYNTAX = 1064

function isOn(value: string | null | undefined): boolean {
  return value === '1' || value?.toUpperCase() === 'ON'
}

function isWithheld(error: unknown): boolean {
  const errno = errnoOf((error ?? {}) as DriverError)
  return errno !== undefined && (WITHHELD.has(errno) || errno === ACCESS_DENIED)
}
