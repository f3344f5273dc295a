import { Socket } from 'node:net'
import type { Opener } from './subjects.js'

/** So many queries, before answers are replayed: statements that recur have been prepared. */
const QUERIES_BEFORE = 100
const PARSE = 'P'.charCodeAt(0)
const BIND = 'B'.charCodeAt(0)
const READY = 'Z'.charCodeAt(0)
/** The last message of each query. */
const SYNC = Buffer.from('S\0\0\0\x04', 'latin1')
const READY_BYTES = 6

type Done = (error?: Error | null) => void
interface Chunk {
  readonly chunk: Buffer | string
  readonly encoding: BufferEncoding
}
interface Writes {
  _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void
  _writev(chunks: readonly Chunk[], done: Done): void
}

/**
 * The same without a server, once some queries have been answered: the sockets of this process replay to each query what has
 * been answered to one of its kind, in a turn of the event loop of its own. What remains is what the process computes: no
 * system call, and no waking of a server that sleeps, which costs the one who writes. To be used in a process of its own.
 */
export function withReplayedAnswers(open: Opener): Opener {
  return async (url) => {
    const subject = await open(url)
    for (let id = 0; id < QUERIES_BEFORE; id += 1) await subject.query(id)
    replayAnswers()
    return subject
  }
}

function replayAnswers(): void {
  const answers = new Map<string, Buffer>()
  const recordings = new WeakMap<Socket, { readonly kind: string; readonly chunks: Buffer[] }>()
  const sockets = Socket.prototype as Socket & Writes
  const { _write, _writev, emit } = sockets

  const replay = (socket: Socket, message: Buffer, done: Done): boolean => {
    const kind = kindOf(message)
    if (kind === undefined) return false
    const answer = answers.get(kind)
    if (answer === undefined) {
      recordings.set(socket, { kind, chunks: [] })
      return false
    }
    setImmediate(() => socket.push(Buffer.from(answer)))
    done()
    return true
  }
  sockets._write = function (this: Socket, chunk, encoding, done) {
    if (typeof chunk === 'string' || !replay(this, chunk, done))
      _write.call(this, chunk, encoding, done)
  }
  sockets._writev = function (this: Socket, chunks, done) {
    const message = Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer))
    if (!replay(this, message, done)) _writev.call(this, chunks, done)
  }
  sockets.emit = function (this: Socket, event: string | symbol, ...args: unknown[]) {
    const recording = event === 'data' ? recordings.get(this) : undefined
    if (recording !== undefined) {
      recording.chunks.push(Buffer.from(args[0] as Buffer))
      const answer = Buffer.concat(recording.chunks)
      if (answer.at(-READY_BYTES) === READY) {
        answers.set(recording.kind, answer)
        recordings.delete(this)
      }
    }
    return Reflect.apply(emit, this, [event, ...args]) as boolean
  }
}

/** What tells answers apart, of a query by the extended protocol: whether it is parsed first, and under a name. */
function kindOf(message: Buffer): string | undefined {
  const [first] = message
  if (!message.subarray(-SYNC.length).equals(SYNC)) return undefined
  if (first === BIND) return 'bind'
  if (first !== PARSE) return undefined
  return message[5] === 0 ? 'parse' : 'parse by name'
}
