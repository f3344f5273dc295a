// Packets of the protocol of MySQL and MariaDB, as much as a scripted server needs of it.

/** What the scripted server can do, in the words of the protocol. */
const CAPABILITY = {
  LONG_PASSWORD: 0x1,
  FOUND_ROWS: 0x2,
  LONG_FLAG: 0x4,
  CONNECT_WITH_DB: 0x8,
  PROTOCOL_41: 0x200,
  SSL: 0x800,
  TRANSACTIONS: 0x2000,
  SECURE_CONNECTION: 0x8000,
  MULTI_RESULTS: 0x20000,
  PS_MULTI_RESULTS: 0x40000,
  PLUGIN_AUTH: 0x80000,
  CONNECT_ATTRS: 0x100000,
  SESSION_TRACK: 0x800000,
} as const
const LENGTH_ENCODED_PROOF = 0x200000

/** Status flags of a session, which OK packets and the ends of rows carry. */
export const SERVER_STATUS = {
  IN_TRANSACTION: 0x1,
  AUTOCOMMIT: 0x2,
  SESSION_STATE_CHANGED: 0x4000,
} as const

export const COMMAND = {
  QUIT: 0x01,
  INIT_DB: 0x02,
  QUERY: 0x03,
  PING: 0x0e,
  CHANGE_USER: 0x11,
  PREPARE: 0x16,
  EXECUTE: 0x17,
  CLOSE: 0x19,
  RESET: 0x1f,
} as const

const PLUGIN = 'mysql_native_password'
const SCRAMBLE = 'scripted-scramble!!!'
const UTF8MB4 = 45
const VAR_STRING = 0xfd
const STATE_GTIDS = 3

type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** One packet without its header. */
interface Packet {
  readonly number: number
  readonly body: Buffer
}

/** Splits what arrives into packets. */
export class PacketReader {
  #buffer: Buffer = Buffer.alloc(0)

  read(chunk: Buffer): Packet[] {
    const packets: Packet[] = []
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    while (this.#buffer.length >= 4) {
      const end = 4 + this.#buffer.readUIntLE(0, 3)
      if (this.#buffer.length < end) break
      packets.push({ number: this.#buffer[3] as number, body: this.#buffer.subarray(4, end) })
      this.#buffer = this.#buffer.subarray(end)
    }
    return packets
  }

  /** What has arrived of a packet that is not complete. */
  get rest(): Buffer {
    return this.#buffer
  }
}

/** Frames packets, numbered from `first` on. */
export function frame(first: number, bodies: readonly Buffer[]): Buffer {
  const framed = bodies.map((body, index) => {
    const header = Buffer.alloc(4)
    header.writeUIntLE(body.length, 0, 3)
    header[3] = (first + index) & 0xff
    return Buffer.concat([header, body])
  })
  return Buffer.concat(framed)
}

export function greeting(id: number, version: string, tls: boolean): Buffer {
  const all = Object.values(CAPABILITY).reduce((sum, flag) => sum | flag, 0)
  const capabilities = tls ? all : all & ~CAPABILITY.SSL
  return Buffer.concat([
    Buffer.from([10]),
    text(version),
    int(4, id),
    text(SCRAMBLE.slice(0, 8)),
    int(2, capabilities & 0xffff),
    Buffer.from([UTF8MB4]),
    int(2, SERVER_STATUS.AUTOCOMMIT),
    int(2, capabilities >>> 16),
    Buffer.from([SCRAMBLE.length + 1]),
    Buffer.alloc(10),
    text(SCRAMBLE.slice(8)),
    text(PLUGIN),
  ])
}

/** What a client answers to a greeting: a login, or the wish to speak TLS first. */
export function parseLogin(body: Buffer): { user: string; database: string | undefined } | 'tls' {
  const capabilities = body.readUInt32LE(0)
  if (body.length === 32 && capabilities & CAPABILITY.SSL) return 'tls'
  let at = body.indexOf(0, 32)
  const user = body.toString('utf8', 32, at)
  at += 1
  const proof = body[at] as number
  // Both forms have the length in one byte, as a proof is no longer than 250.
  at =
    capabilities & (LENGTH_ENCODED_PROOF | CAPABILITY.SECURE_CONNECTION) ? at + 1 + proof : at + 1
  const named = (capabilities & CAPABILITY.CONNECT_WITH_DB) !== 0
  const database = named ? body.toString('utf8', at, body.indexOf(0, at)) : ''
  return { user, database: database === '' ? undefined : database }
}

export function okPacket(ok: {
  readonly status: number
  readonly affectedRows?: number
  readonly insertId?: number
  readonly gtids?: string
}): Buffer {
  const { status, affectedRows = 0, insertId = 0, gtids } = ok
  const changed = gtids === undefined ? 0 : SERVER_STATUS.SESSION_STATE_CHANGED
  const start = [Buffer.from([0]), lengthInt(affectedRows), lengthInt(insertId)]
  const state = [int(2, status | changed), int(2, 0)]
  if (gtids === undefined) return Buffer.concat([...start, ...state])
  // The kind of the encoding, which is 0, and the set itself.
  const set = Buffer.concat([Buffer.from([0]), lengthText(gtids)])
  const change = Buffer.concat([Buffer.from([STATE_GTIDS]), lengthBytes(set)])
  return Buffer.concat([...start, ...state, lengthText(''), lengthBytes(change)])
}

export function errorPacket(errno: number, sqlState: string, message: string): Buffer {
  return Buffer.concat([Buffer.from([0xff]), int(2, errno), Buffer.from(`#${sqlState}${message}`)])
}

/** A result with rows; all columns are texts. */
export function rowPackets(rows: readonly Row[], status: number, binary: boolean): Buffer[] {
  const names = Object.keys(rows[0] ?? { none: null })
  return [
    lengthInt(names.length),
    ...names.map(column),
    endPacket(status),
    ...rows.map((row) => {
      const values = names.map((name) => row[name] ?? null)
      return binary ? binaryRow(values) : textRow(values)
    }),
    endPacket(status),
  ]
}

export function preparedPackets(id: number, parameters: number): Buffer[] {
  const head = Buffer.concat([
    Buffer.from([0]),
    int(4, id),
    int(2, 0),
    int(2, parameters),
    Buffer.from([0]),
    int(2, 0),
  ])
  if (parameters === 0) return [head]
  const each = Array.from({ length: parameters }, () => column('?'))
  return [head, ...each, endPacket(SERVER_STATUS.AUTOCOMMIT)]
}

function column(name: string): Buffer {
  return Buffer.concat([
    lengthText('def'),
    ...['', '', ''].map(lengthText),
    lengthText(name),
    lengthText(name),
    Buffer.from([12]),
    int(2, UTF8MB4),
    int(4, 1024),
    Buffer.from([VAR_STRING]),
    int(2, 0),
    Buffer.from([0, 0, 0]),
  ])
}

function endPacket(status: number): Buffer {
  return Buffer.concat([Buffer.from([0xfe]), int(2, 0), int(2, status)])
}

function textRow(values: readonly Value[]): Buffer {
  return Buffer.concat(
    values.map((value) => (value === null ? Buffer.from([0xfb]) : lengthText(String(value)))),
  )
}

function binaryRow(values: readonly Value[]): Buffer {
  // The first two bits are reserved.
  const nulls = Buffer.alloc(Math.floor((values.length + 9) / 8))
  for (const [index, value] of values.entries()) {
    const bit = index + 2
    if (value === null) nulls[bit >> 3] = (nulls[bit >> 3] as number) | (1 << (bit & 7))
  }
  const texts = values.filter((value) => value !== null).map((value) => lengthText(String(value)))
  return Buffer.concat([Buffer.from([0]), nulls, ...texts])
}

/** With the zero at its end. */
function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function lengthText(value: string): Buffer {
  return lengthBytes(Buffer.from(value))
}

function lengthBytes(bytes: Buffer): Buffer {
  return Buffer.concat([lengthInt(bytes.length), bytes])
}

function lengthInt(value: number): Buffer {
  if (value < 0xfb) return Buffer.from([value])
  if (value < 0x10000) return Buffer.concat([Buffer.from([0xfc]), int(2, value)])
  if (value < 0x1000000) return Buffer.concat([Buffer.from([0xfd]), int(3, value)])
  return Buffer.concat([Buffer.from([0xfe]), int(6, value), Buffer.alloc(2)])
}

function int(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntLE(bytes === 4 ? value >>> 0 : value, 0, bytes)
  return buffer
}
