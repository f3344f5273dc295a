import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Client } from 'pg'

/** A value of a row as the server sends it. */
export type Sent = string | Buffer | null
export interface Column {
  readonly name: string
  readonly type: number
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(5)
  header.write(type)
  header.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}
const text = (given: string): Buffer => Buffer.from(`${given}\0`)
function int32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number >>> 0)
  return bytes
}
function int16(number: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(number)
  return bytes
}

/** What a server sends. */
export const server = {
  welcome: (): Buffer => Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]),
  ready: (): Buffer => message('Z', Buffer.from('I')),
  bound: (): Buffer => Buffer.concat([message('1'), message('2')]),
  completed: (tag: string): Buffer => message('C', text(tag)),
  notice: (said: string): Buffer =>
    message('N', text('SNOTICE'), text('C00000'), text(`M${said}`), Buffer.alloc(1)),
  failed: (code: string): Buffer =>
    message('E', text('SERROR'), text(`C${code}`), text('Mfailed'), Buffer.alloc(1)),
  columns: (columns: readonly Column[], format = 0): Buffer =>
    message(
      'T',
      int16(columns.length),
      ...columns.map(({ name, type }) =>
        Buffer.concat([
          text(name),
          int32(0),
          int16(0),
          int32(type),
          int16(-1),
          int32(-1),
          int16(format),
        ]),
      ),
    ),
  row: (values: readonly Sent[]): Buffer =>
    message(
      'D',
      int16(values.length),
      ...values.map((value) => {
        if (value === null) return int32(-1)
        const bytes = Buffer.from(value as string)
        return Buffer.concat([int32(bytes.length), bytes])
      }),
    ),
}

/** A connection to a server that a test speaks for. */
class Wire extends EventEmitter {
  readonly writable = true
  readonly destroyed = false

  setNoDelay(): this {
    return this
  }
  connect(): this {
    process.nextTick(() => this.emit('connect'))
    return this
  }
  write(): boolean {
    return true
  }
  end(): this {
    return this
  }
}

/** A client of node-postgres that has logged in, and how to give it what its server sends. */
export async function answeredClient(
  prepare: (client: Client) => void = () => {},
): Promise<{ client: Client; receive: (bytes: Buffer) => void }> {
  const wire = new Wire()
  const client = new Client({ stream: (() => wire) as unknown as () => Socket })
  prepare(client)
  const receive = (bytes: Buffer): void => void wire.emit('data', bytes)
  wire.once('connect', () => process.nextTick(receive, server.welcome()))
  await client.connect()
  return { client, receive }
}
