import { BoundedTexts } from '@connmgr/core/driver'
import type { Catalogs } from '../catalog/catalog.js'
import type { Snapshot } from '../catalog/snapshot.js'
import type { StatementShape } from '../text/shape.js'
import { shareableShapeOf } from './shareable.js'

/** Of all texts kept in mind, some 4 MB; a program has fewer, unless it writes values into them. */
const MOST_CHARACTERS = 2 * 1024 * 1024
/** What takes longer than this on average holds up those behind it noticeably, */
const SLOW_MS = 5
/** if it takes so many times what the statements of the pool take: on a busy server all of them are slow; */
const SLOWER_THAN_OTHERS = 4
/** and what takes longer than this does in any case: alone it runs beside the others. */
const SLOW_ANYHOW_MS = 20
/** A single run counts for no more, as it may be the fault of the machine. */
const MOST_MS = 50
/** The weight of the last run in the average, unless there have been fewer: the first may have met cold caches. */
const WEIGHT = 1 / 16
const WEIGHT_AMONG_ALL = 1 / 64
/** Shorter times are taken for this one. */
const LEAST_MS = 0.05

/** Functions that tell one session from another. */
const OF_ONE_SESSION: readonly string[] = [
  'inet_client_addr',
  'inet_client_port',
  'pg_backend_pid',
  'pg_my_temp_schema',
]

function tellsNothingOfSession({ names }: StatementShape): boolean {
  return OF_ONE_SESSION.every((each) => !names.has(each))
}

/** What the statements of one pool take, as a geometric mean, so that a few that take long do not hide those that do not. */
export class UsualTime {
  /** Until more is known, of one millisecond. */
  #logMs = 0

  get ms(): number {
    return Math.exp(this.#logMs)
  }

  ran(durationMs: number): void {
    const log = Math.log(Math.max(durationMs, LEAST_MS))
    this.#logMs += (log - this.#logMs) * WEIGHT_AMONG_ALL
  }
}

/** A statement as a lane sees it. */
export interface SharedStatement {
  /** Whether it may run between others on a connection to a database with this catalog. */
  isShareable(snapshot: Snapshot | undefined): boolean
  /** Whether it may do so where it will run, as far as is known before it has a connection. */
  mayBeShareable(catalogs: Catalogs): boolean
  /** It has been slow lately, so it is to run where it holds up no other. */
  readonly slow: boolean
  /** What a run will take, by those of late; little, of a statement that is new. */
  readonly expectedMs: number
  /** Notes a run, among others or alone. */
  ran(durationMs: number): void
}

/** What is known of the statements with one text. */
export class Statement implements SharedStatement {
  readonly #shape: StatementShape | undefined
  readonly #usual: UsualTime
  #averageMs: number | undefined
  #runs = 0
  #read: SharedStatement | undefined

  constructor(text: string, usual: UsualTime = new UsualTime()) {
    this.#shape = shareableShapeOf(text)
    this.#usual = usual
  }

  isShareable(snapshot: Snapshot | undefined): boolean {
    return this.#shape !== undefined && (snapshot?.leavesSession(this.#shape) ?? false)
  }

  mayBeShareable(catalogs: Catalogs): boolean {
    const shape = this.#shape
    return shape !== undefined && catalogs.mayAgree((snapshot) => snapshot.leavesSession(shape))
  }

  /**
   * The same for a client that may want a session of its own later; undefined if what it does, or says, belongs to the
   * session: a row that it inserts may take the next value of a sequence, for which the client asks its session then.
   */
  get ofClient(): SharedStatement | undefined {
    const shape = this.#shape
    if (shape === undefined || shape.changesRows || !tellsNothingOfSession(shape)) return undefined
    this.#read ??= new ReadOfClient(this, shape)
    return this.#read
  }

  get slow(): boolean {
    const averageMs = this.#averageMs
    if (averageMs === undefined || averageMs <= SLOW_MS) return false
    return averageMs > Math.min(SLOWER_THAN_OTHERS * this.#usual.ms, SLOW_ANYHOW_MS)
  }

  get expectedMs(): number {
    return this.#averageMs ?? LEAST_MS
  }

  ran(durationMs: number): void {
    const ms = Math.min(durationMs, MOST_MS)
    this.#usual.ran(ms)
    this.#runs += 1
    const before = this.#averageMs ?? 0
    this.#averageMs = before + (ms - before) * Math.max(1 / this.#runs, WEIGHT)
  }
}

/**
 * A statement of a client that has no connection of its own yet: one that only reads, and is answered alike by every
 * session that is as the login left it.
 */
class ReadOfClient implements SharedStatement {
  readonly #statement: Statement
  readonly #shape: StatementShape

  constructor(statement: Statement, shape: StatementShape) {
    this.#statement = statement
    this.#shape = shape
  }

  isShareable(snapshot: Snapshot | undefined): boolean {
    return snapshot !== undefined && this.#agrees(snapshot)
  }

  mayBeShareable(catalogs: Catalogs): boolean {
    return catalogs.mayAgree((snapshot) => this.#agrees(snapshot))
  }

  get slow(): boolean {
    return this.#statement.slow
  }

  get expectedMs(): number {
    return this.#statement.expectedMs
  }

  ran(durationMs: number): void {
    this.#statement.ran(durationMs)
  }

  #agrees(snapshot: Snapshot): boolean {
    return snapshot.leavesSession(this.#shape) && snapshot.onlyReads(this.#shape)
  }
}

/** The statements of one pool by their text. */
export class Statements {
  readonly #byText = new BoundedTexts<Statement>(MOST_CHARACTERS)
  readonly #usual = new UsualTime()

  get(text: string): Statement {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const statement = new Statement(text, this.#usual)
    this.#byText.set(text, statement)
    return statement
  }
}
