import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.js'

/** How the server has a client prove who it is. `sasl-without-proof` lets it in before it has shown anything itself. */
export type ScriptedLogin = 'none' | 'password' | 'md5' | 'sasl-without-proof'

/** What a {@link ScriptedServer} is like. */
export interface Script {
  /** @default 'none' */
  readonly login?: ScriptedLogin
  /** Whether it speaks TLS, with the certificate of the tests. @default false */
  readonly tls?: boolean
  /**
   * What it answers to a text: the values of one row, or a SQLSTATE of five characters; undefined for success without
   * rows. @default nothing but successes
   */
  readonly answer?: (text: string) => readonly (string | null)[] | string | undefined
}

/** A server that speaks as much of PostgreSQL's protocol as a test needs, and keeps what clients tell it. */
export interface ScriptedServer {
  readonly host: string
  readonly port: number
  /** What clients sent as a proof: passwords, and whatever else goes in such messages. */
  readonly proofs: readonly string[]
  readonly statements: readonly string[]
  /** Logins that were begun. */
  readonly logins: number
  close(): Promise<void>
}

const SSL_REQUEST = 80877103
const AUTHENTICATION = { none: 0, password: 3, md5: 5, 'sasl-without-proof': 10 } as const

/** Starts one on a free port of 127.0.0.1. */
export async function startScriptedServer(script: Script = {}): Promise<ScriptedServer> {
  const { login = 'none', tls = false, answer = () => undefined } = script
  const proofs: string[] = []
  const statements: string[] = []
  const sockets = new Set<Socket>()
  let logins = 0

  function greet(socket: Socket): void {
    const details = { md5: Buffer.from('salt'), 'sasl-without-proof': text('SCRAM-SHA-256', '') }
    const detail = login in details ? details[login as keyof typeof details] : Buffer.alloc(0)
    logins += 1
    socket.write(message('R', int32(AUTHENTICATION[login]), detail))
    if (login === 'none') welcome(socket)
  }

  function welcome(socket: Socket): void {
    socket.write(
      Buffer.concat([
        ...(login === 'none' ? [] : [message('R', int32(0))]),
        message('S', text('server_version', '17.0')),
        message('K', int32(1), int32(2)),
        message('Z', Buffer.from('I')),
      ]),
    )
  }

  function reply(socket: Socket, statement: string): void {
    statements.push(statement)
    const said = answer(statement)
    const parts =
      typeof said === 'string'
        ? [message('E', text('SERROR', 'VERROR', `C${said}`, 'Mscripted', 'Rscript', ''))]
        : [...(said === undefined ? [] : row(said)), message('C', text('SELECT 1'))]
    socket.write(Buffer.concat([...parts, message('Z', Buffer.from('I'))]))
  }

  function serve(socket: Socket): void {
    let buffer = Buffer.alloc(0)
    let begun = false
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    const onData = (chunk: Buffer): void => {
      buffer = Buffer.concat([buffer, chunk])
      for (;;) {
        const start = begun ? 1 : 0
        if (buffer.length < start + 4) return
        const end = start + buffer.readInt32BE(start)
        if (buffer.length < end) return
        const type = begun ? String.fromCharCode(buffer[0] as number) : ''
        const body = buffer.subarray(start + 4, end)
        buffer = buffer.subarray(end)
        if (!begun && body.readInt32BE(0) === SSL_REQUEST) {
          socket.write(tls ? 'S' : 'N')
          if (!tls) continue
          socket.off('data', onData)
          serve(new TLSSocket(socket, { isServer: true, cert: TEST_CERTIFICATE, key: TEST_KEY }))
          return
        }
        if (!begun) {
          begun = true
          greet(socket)
        } else if (type === 'p') {
          proofs.push(body.toString('latin1'))
          welcome(socket)
        } else if (type === 'Q') reply(socket, body.toString('utf8', 0, body.length - 1))
        else if (type === 'P') statements.push(body.toString('latin1'))
        else if (type === 'X') socket.end()
      }
    }
    socket.on('data', onData)
  }

  const server = createServer(serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    proofs,
    statements,
    get logins() {
      return logins
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function row(values: readonly (string | null)[]): Buffer[] {
  const columns = values.map((_value, index) =>
    Buffer.concat([
      text(`c${index}`),
      int32(0),
      int16(0),
      int32(25),
      int16(-1),
      int32(-1),
      int16(0),
    ]),
  )
  const cells = values.map((value) => {
    const bytes = Buffer.from(value ?? '')
    return value === null ? int32(-1) : Buffer.concat([int32(bytes.length), bytes])
  })
  return [
    message('T', int16(values.length), ...columns),
    message('D', int16(values.length), ...cells),
  ]
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

/** Each with the zero at its end. */
function text(...texts: string[]): Buffer {
  return Buffer.from(texts.map((each) => `${each}\0`).join(''))
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
