import { Duplex } from 'node:stream'
import { type End, kindOf, type Place } from './ends.js'
import {
  AUTHENTICATED,
  BOUND,
  CLOSED,
  commandComplete,
  GARBAGE,
  NO_DATA,
  PARSED,
  type Report,
  type Request,
  RequestReader,
  ready,
  report,
  row,
  strings,
} from './messages.js'

/** How long an answer that is late lets its client wait. */
export const STALL_MS = 12

/** What the engine asks for itself, such as the catalog, is no part of a history. */
const ASKED_BY_ENGINE = /\bpg_/
/** The only function of a user is `bump`. */
const CATALOG = JSON.stringify({ others: [['bump', null]], hidden: false })

/** What the server ends a statement with. */
class Failure extends Error {
  constructor(readonly fields: Report) {
    super(fields.M)
  }
}

/** The session has ended in the midst of a statement. */
class Ended extends Error {}

const error = (C: string, M: string, R: string): Failure =>
  new Failure({ S: 'ERROR', V: 'ERROR', C, M, R })
const conflict = (): Failure => error('40001', 'could not serialize access', 'heap_update')

/**
 * A server that speaks the protocol of PostgreSQL over a stream in memory, knows a handful of statements, and does to its
 * sessions what it was scripted to. It knows what it has committed, which is the truth that callers are to learn.
 *
 * It is as PostgreSQL where that matters: a command's end is reported after its commit in the simple protocol, and before
 * it in the extended one; several statements in one text are one transaction, unless one of them ends it; procedures
 * commit by themselves, but not inside a transaction.
 */
export class ScriptedServer {
  /** How often each row was committed. */
  readonly committed = new Map<number, number>()
  /** Sessions that are at work, some of whose clients may have gone. */
  busy = 0
  readonly #ends: End[]
  readonly #conflicts = new Map<number, number>()
  #passed = 0

  constructor(ends: readonly End[]) {
    this.#ends = [...ends].sort((a, b) => a.after - b.after)
  }

  connect(): Duplex {
    return new SessionSocket(this)
  }

  /** A statement begins; what is to happen to it. */
  nextEnd(): End | undefined {
    const [end] = this.#ends
    this.#passed += 1
    if (end === undefined || end.after >= this.#passed) return undefined
    return this.#ends.shift()
  }

  commit(rows: readonly number[]): void {
    for (const row of rows) this.committed.set(row, (this.committed.get(row) ?? 0) + 1)
  }

  /** Whether the attempt to write a row meets a conflict: the first ones do. */
  conflicts(row: number, times = 1): boolean {
    const before = this.#conflicts.get(row) ?? 0
    this.#conflicts.set(row, before + 1)
    return before < times
  }
}

/** One session, as the socket that its client has. */
class SessionSocket extends Duplex {
  bytesRead = 0
  readonly #server: ScriptedServer
  readonly #reader = new RequestReader()
  readonly #requests: Request[] = []
  readonly #texts = new Map<string, string>()
  #portal = ''
  #status: 'I' | 'T' | 'E' = 'I'
  /** Rows written in the current transaction, or in the one that a statement is by itself. */
  #written: number[] = []
  #savepoint: number | undefined
  #skipping = false
  #working = false
  #end: End | undefined
  #over = false
  /** Not yet sent. */
  #out: Buffer[] = []

  constructor(server: ScriptedServer) {
    super()
    this.#server = server
  }

  // What node-postgres calls on a socket.
  connect(): this {
    setImmediate(() => this.emit('connect'))
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.#over) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      return
    }
    this.#requests.push(...this.#reader.read(chunk))
    done()
    setImmediate(() => void this.#work())
  }

  override _destroy(reason: Error | null, done: (error?: Error | null) => void): void {
    this.#over = true
    done(reason)
  }

  async #work(): Promise<void> {
    if (this.#working) return
    this.#working = true
    this.#server.busy += 1
    try {
      for (let next = this.#requests.shift(); next !== undefined; next = this.#requests.shift()) {
        await this.#serve(next)
      }
      this.#flush()
    } catch (thrown) {
      if (!(thrown instanceof Ended)) throw thrown
      this.#requests.length = 0
    }
    this.#server.busy -= 1
    this.#working = false
  }

  async #serve({ type, body }: Request): Promise<void> {
    if (type === 'startup') this.#send(AUTHENTICATED, ready('I'))
    else if (type === 'X') this.#close()
    else if (type === 'Q') await this.#simple(strings(body, 1)[0] as string)
    else if (type === 'S') await this.#sync()
    else if (type === 'H') this.#flush()
    else if (!this.#skipping)
      this.#skipping = !(await this.#attempt(() => this.#extended(type, body)))
  }

  /** @returns whether it was done without an error */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      if (this.#status === 'T') this.#status = 'E'
      else if (this.#status === 'I') this.#written = []
      this.#send(report('E', thrown.fields))
      return false
    }
  }

  async #simple(text: string): Promise<void> {
    if (ASKED_BY_ENGINE.test(text)) {
      this.#send(row(CATALOG), commandComplete('SELECT 1'), ready(this.#status))
      this.#flush()
      return
    }
    this.#end = this.#server.nextEnd()
    const done = await this.#attempt(async () => {
      await this.#at('received')
      const parts = text.split(';').filter((part) => part.trim() !== '')
      for (const [index, part] of parts.entries()) {
        const tag = await this.#run(part.trim())
        if (index === parts.length - 1) {
          await this.#at('executed')
          await this.#commitIfAlone()
        }
        this.#send(commandComplete(tag))
      }
    })
    if (done) await this.#at('answered')
    await this.#ready()
  }

  async #extended(type: string, body: Buffer): Promise<void> {
    if (type === 'P') {
      const [name, text] = strings(body, 2) as [string, string]
      this.#texts.set(name, text)
      this.#send(PARSED)
    } else if (type === 'B') {
      this.#portal = this.#texts.get(strings(body, 2)[1] as string) ?? ''
      this.#send(BOUND)
    } else if (type === 'D') this.#send(NO_DATA)
    else if (type === 'C') this.#send(CLOSED)
    else if (type === 'E' && ASKED_BY_ENGINE.test(this.#portal)) {
      this.#send(commandComplete('SELECT 0'))
    } else if (type === 'E') {
      this.#end = this.#server.nextEnd()
      await this.#at('received')
      const tag = await this.#run(this.#portal)
      await this.#at('executed')
      this.#send(commandComplete(tag))
    }
  }

  async #sync(): Promise<void> {
    const done =
      this.#skipping ||
      (await this.#attempt(async () => {
        await this.#at('answered')
        await this.#commitIfAlone()
      }))
    this.#skipping = false
    if (!done) this.#written = []
    await this.#ready()
  }

  async #ready(): Promise<void> {
    this.#send(ready(this.#status))
    await this.#at('ready')
    this.#end = undefined
    this.#flush()
  }

  /** Runs one statement, and returns its tag. What is no transaction's stays uncommitted. */
  async #run(given: string): Promise<string> {
    const text = given.toLowerCase()
    const control = /^(begin|commit|rollback to|rollback|savepoint)( and chain)?/.exec(text)
    if (control !== null) return this.#control(control[1] as string, control[2] !== undefined)
    if (this.#status === 'E') throw error('25P02', 'current transaction is aborted', 'exec')
    const id = Number(/\d+/.exec(text)?.[0])
    if (text.includes('fail')) throw error('22012', 'division by zero', 'int4div')
    if (text.startsWith('call') || text.startsWith('do')) {
      this.#written.push(id)
      // A procedure may commit unless it is called in a transaction.
      if (this.#status === 'I') await this.#commit()
      if (text.includes('conflict') && this.#server.conflicts(id, 2)) throw conflict()
      return text.startsWith('call') ? 'CALL' : 'DO'
    }
    if (text.includes('conflict') && this.#server.conflicts(id)) throw conflict()
    if (/^(insert|select bump)/.test(text)) this.#written.push(id)
    return text.startsWith('insert') ? 'INSERT 0 1' : 'SELECT 0'
  }

  async #control(word: string, chain: boolean): Promise<string> {
    const inside = this.#status !== 'I'
    if (word === 'begin') {
      this.#status = inside ? this.#status : 'T'
      return 'BEGIN'
    }
    if (word === 'savepoint') {
      if (this.#status === 'E') throw error('25P02', 'current transaction is aborted', 'exec')
      if (!inside) throw error('25P01', 'SAVEPOINT outside of a transaction', 'Require')
      this.#savepoint = this.#written.length
      return 'SAVEPOINT'
    }
    if (word === 'rollback to') {
      if (this.#savepoint === undefined) throw error('3B001', 'no such savepoint', 'Rollback')
      this.#written.length = this.#savepoint
      this.#status = 'T'
      return 'ROLLBACK'
    }
    if (chain && !inside) throw error('25P01', 'AND CHAIN outside of a transaction', 'Require')
    const commits = word === 'commit' && this.#status !== 'E'
    if (commits) await this.#commit()
    this.#written = []
    this.#savepoint = undefined
    this.#status = chain ? 'T' : 'I'
    return commits ? 'COMMIT' : 'ROLLBACK'
  }

  async #commitIfAlone(): Promise<void> {
    if (this.#status === 'I') await this.#commit()
  }

  async #commit(): Promise<void> {
    await this.#at('committing')
    this.#server.commit(this.#written)
    this.#written = []
  }

  /** Has come to a place in the course of a statement, where its session may end. */
  async #at(place: Place): Promise<void> {
    const end = this.#end
    if (end === undefined) return
    const { asNotice, garbage, interrupt, lives, says, stalls, unsent } = kindOf(end)
    // What has no such place there happens where it is the next.
    const due =
      unsent === true
        ? place === 'received'
        : lives === true
          ? place === (end.place === 'received' ? 'received' : 'executed')
          : end.place === place ||
            (interrupt === true && end.place === 'committing' && place === 'executed')
    if (!due) return
    this.#end = undefined
    if (stalls === true) {
      this.#flush()
      await new Promise((resolve) => setTimeout(resolve, STALL_MS))
      return
    }
    if (place === 'committing' && end.kept) this.#server.commit(this.#written)
    // At a commit that comes after the report of its command's end.
    if (place === 'answered' && end.kept && this.#status === 'I') this.#server.commit(this.#written)
    if (lives === true) {
      if (end.kept && this.#status === 'I') this.#server.commit(this.#written)
      throw new Failure(says as Report)
    }
    if (end.cut) this.#out.push((this.#out.pop() ?? Buffer.alloc(0)).subarray(0, 3))
    else if (garbage === true) this.#send(GARBAGE)
    else if (says !== undefined) this.#send(report(asNotice === true ? 'N' : 'E', says))
    this.#flush()
    if (end.kind === 'reset' && !end.cut) this.#close('read ECONNRESET')
    else this.#close()
    throw new Ended()
  }

  #send(...messages: Buffer[]): void {
    this.#out.push(...messages)
  }

  #flush(): void {
    if (this.#out.length === 0 || this.#over) return
    const bytes = Buffer.concat(this.#out)
    this.#out = []
    this.bytesRead += bytes.length
    this.push(bytes)
  }

  #close(reset?: string): void {
    if (this.#over) return
    this.#over = true
    if (reset === undefined) this.push(null)
    const failure = reset && Object.assign(new Error(reset), { code: 'ECONNRESET' })
    setImmediate(() => this.destroy(failure || undefined))
  }
}
