/** What a server sends, as bytes: https://www.postgresql.org/docs/current/protocol-message-formats.html */

const HEADER = 5

function message(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(HEADER + body.length)
  bytes.write(type, 0, 'latin1')
  bytes.writeInt32BE(4 + body.length, 1)
  body.copy(bytes, HEADER)
  return bytes
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

export const AUTHENTICATED = message('R', Buffer.alloc(4))
export const PARSED = message('1')
export const BOUND = message('2')
export const CLOSED = message('3')
export const NO_DATA = message('n')
/** No type of the protocol. */
export const GARBAGE = message('\x07', Buffer.from('garbage'))

export const ready = (status: string): Buffer => message('Z', Buffer.from(status))
export const commandComplete = (tag: string): Buffer => message('C', text(tag))

const TEXT = 25

/** One row of one column of text. */
export function row(value: string): Buffer {
  const description = Buffer.alloc(2 + 2 + 18)
  description.writeInt16BE(1, 0)
  description.write('a\0', 2)
  description.writeInt32BE(TEXT, 2 + 2 + 6)
  description.writeInt16BE(-1, 2 + 2 + 10)
  const data = Buffer.alloc(2 + 4)
  data.writeInt16BE(1, 0)
  data.writeInt32BE(Buffer.byteLength(value), 2)
  return Buffer.concat([
    message('T', description),
    message('D', Buffer.concat([data, Buffer.from(value)])),
  ])
}

/** An error or a notice, as its fields: severity in the server's language, severity, SQLSTATE, message, routine. */
export interface Report {
  readonly S: string
  /** Left out by old proxies. */
  readonly V?: string
  readonly C: string
  readonly M: string
  /** Left out by everything that is no PostgreSQL. */
  readonly R?: string
}

export function report(type: 'E' | 'N', fields: Report): Buffer {
  const parts = Object.entries(fields).map(([field, value]) => text(`${field}${value}`))
  return message(type, Buffer.concat([...parts, Buffer.alloc(1)]))
}

/** A message of a client. */
export interface Request {
  readonly type: string
  readonly body: Buffer
}

/** Takes a client's bytes apart. */
export class RequestReader {
  #rest: Buffer = Buffer.alloc(0)
  #started = false

  read(chunk: Buffer): Request[] {
    const requests: Request[] = []
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      // The first message has no type.
      const header = this.#started ? 1 : 0
      if (this.#rest.length < header + 4) return requests
      const length = header + this.#rest.readInt32BE(header)
      if (this.#rest.length < length) return requests
      const body = this.#rest.subarray(header + 4, length)
      const type = this.#started ? this.#rest.toString('latin1', 0, 1) : 'startup'
      this.#rest = this.#rest.subarray(length)
      this.#started = true
      requests.push({ type, body })
    }
  }
}

/** The strings at the start of a message. */
export function strings(body: Buffer, count: number): string[] {
  return body.toString('utf8').split('\0', count)
}
