import { connect, type Socket } from 'node:net'
import { CommitOutcomeUnknownError, ConnectionLostError } from '@connmgr/core'

export type Reply = string | number | null | Reply[]

/** The server has answered with an error. */
export class RespError extends Error {}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** One connection that speaks RESP, the protocol of Redis and Valkey: commands go out, replies come back in order. */
export class RespConnection {
  readonly socket: Socket
  readonly #waiting: Waiting[] = []
  #received = ''
  /** Whether it is between MULTI and EXEC. */
  inTransaction = false
  error: Error | undefined

  constructor(host: string, port: number, signal: AbortSignal) {
    this.socket = connect({ host, port, signal, noDelay: true }).setEncoding('utf8')
    this.socket.on('data', (text: string) => this.#receive(text))
    this.socket.on('error', (error) => this.#end(error))
    this.socket.on('close', () => this.#end(new Error('the server has closed the connection')))
  }

  get busy(): boolean {
    return this.#waiting.length > 0
  }

  send(...words: readonly string[]): Promise<Reply> {
    if (this.error !== undefined)
      return Promise.reject(new ConnectionLostError('not sent', this.error, { sent: false }))
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    this.socket.write(`*${words.length}\r\n${parts.join('')}`)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #receive(text: string): void {
    this.#received += text
    for (;;) {
      const parsed = parse(this.#received, 0)
      if (parsed === undefined) return
      this.#received = this.#received.slice(parsed.end)
      const waiting = this.#waiting.shift()
      if (parsed.value instanceof RespError) waiting?.reject(parsed.value)
      else waiting?.resolve(parsed.value)
    }
  }

  #end(error: Error): void {
    this.error ??= error
    // What was sent may have taken effect: the engine repeats it only if the caller says that it may.
    for (const { reject } of this.#waiting.splice(0))
      reject(new CommitOutcomeUnknownError(error, 'the connection was lost before the reply came'))
  }
}

/** The reply that begins at `start`, and where it ends; undefined if a part of it is still on its way. */
function parse(text: string, start: number): { value: Reply | RespError; end: number } | undefined {
  const lineEnd = text.indexOf('\r\n', start)
  if (lineEnd < 0) return undefined
  const line = text.slice(start + 1, lineEnd)
  const next = lineEnd + 2
  const length = Number(line)
  switch (text[start]) {
    case '-':
      return { value: new RespError(line), end: next }
    case ':':
      return { value: length, end: next }
    case '$': {
      if (length < 0) return { value: null, end: next }
      const end = next + length
      return end + 2 > text.length ? undefined : { value: text.slice(next, end), end: end + 2 }
    }
    case '*': {
      const items: Reply[] = []
      let end = next
      for (let index = 0; index < length; index += 1) {
        const item = parse(text, end)
        if (item === undefined) return undefined
        items.push(item.value as Reply)
        end = item.end
      }
      return { value: items, end }
    }
    default:
      return { value: line, end: next }
  }
}
