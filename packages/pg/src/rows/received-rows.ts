import type { EventEmitter } from 'node:events'
import type { Client } from 'pg'
import { internalsOf } from '../client-internals.js'
import { RowReader } from './row-reader.js'

type Chunks = (chunk: Buffer) => void
type Stream = Pick<EventEmitter, 'on'>

/** A message begins with its type in one byte and the length of what follows the type in four. */
const HEADER_BYTES = 5
const DATA_ROW = 68
const ROW_DESCRIPTION = 84

/**
 * Has the rows that a client receives read by a {@link RowReader} where that may be, and all else parsed by node-postgres. To
 * be called before the client connects.
 */
export function readRows(client: Client): void {
  const internals = internalsOf(client)
  const { connection } = internals
  const attach = connection?.attachListeners
  if (connection === undefined || attach === undefined) return
  connection.attachListeners = (stream) => {
    let parse: Chunks | undefined
    const on = (event: string, listener: (...args: unknown[]) => void): Stream => {
      if (event === 'data') parse = listener
      else stream.on(event, listener)
      return seen
    }
    const seen = Object.create(stream, { on: { value: on } }) as Stream
    attach.call(connection, seen)
    if (parse === undefined) return
    const messages = new ReceivedMessages(parse, new RowReader(internals))
    stream.on('data', (chunk: Buffer) => messages.take(chunk))
  }
}

/** Follows where messages begin. What is cut by the end of a chunk is left to node-postgres. */
class ReceivedMessages {
  readonly #parse: Chunks
  readonly #rows: Pick<RowReader, 'describe' | 'learn' | 'begin' | 'read'>
  /** Of a message that node-postgres has the beginning of, what is to come. */
  #outstanding = 0
  /** Of a header that the latest chunk had not all of, what it had. */
  #header: Buffer | undefined

  constructor(parse: Chunks, rows: Pick<RowReader, 'describe' | 'learn' | 'begin' | 'read'>) {
    this.#parse = parse
    this.#rows = rows
  }

  take(chunk: Buffer): void {
    const end = chunk.length
    /** Up to here it is dealt with. */
    let done = 0
    let at = this.#resume(chunk)
    let reading: boolean | undefined
    while (at + HEADER_BYTES <= end) {
      const next = at + 1 + chunk.readUInt32BE(at + 1)
      if (next > end) break
      if (chunk[at] === ROW_DESCRIPTION) {
        // What comes before says whose it is.
        this.#pass(chunk, done, at)
        this.#describe(chunk, at, next)
        done = next
        reading = undefined
      } else if (chunk[at] !== DATA_ROW) reading = undefined
      else if (reading !== false) {
        this.#pass(chunk, done, at)
        reading = (reading ?? this.#rows.begin()) && this.#rows.read(chunk, at + HEADER_BYTES)
        done = reading ? next : at
      }
      at = next
    }
    this.#leave(chunk, at)
    this.#pass(chunk, done, end)
  }

  /** Gives a part of a chunk to node-postgres. */
  #pass(chunk: Buffer, from: number, to: number): void {
    if (from === to) return
    this.#parse(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
  }

  #describe(chunk: Buffer, from: number, to: number): void {
    if (this.#rows.describe(chunk, from, to)) return
    this.#parse(chunk.subarray(from, to))
    this.#rows.learn(chunk, from, to)
  }

  /** Where in a chunk the first message begins that has not begun before. */
  #resume(chunk: Buffer): number {
    const known = this.#header
    if (known !== undefined) {
      const header = Buffer.concat([known, chunk.subarray(0, HEADER_BYTES - known.length)])
      if (header.length < HEADER_BYTES) {
        this.#header = header
        return chunk.length
      }
      this.#header = undefined
      this.#outstanding = 1 + header.readUInt32BE(1) - known.length
    }
    const rest = Math.min(this.#outstanding, chunk.length)
    this.#outstanding -= rest
    return rest
  }

  /** Notes what the end of a chunk has cut, of a message that begins at `at`. */
  #leave(chunk: Buffer, at: number): void {
    const left = chunk.length - at
    if (left >= HEADER_BYTES) this.#outstanding = 1 + chunk.readUInt32BE(at + 1) - left
    else if (left > 0) this.#header = Buffer.from(chunk.subarray(at))
  }
}
