import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { TEST_CERTIFICATE, TEST_KEY } from '../../postgres/certificate.js'
import {
  COMMAND,
  errorPacket,
  frame,
  greeting,
  okPacket,
  PacketReader,
  parseLogin,
  preparedPackets,
  rowPackets,
  SERVER_STATUS,
} from './packets.js'
import type { MysqlError, MysqlReply, MysqlScript, MysqlSession } from './scripted-server.js'

const UNKNOWN_STATEMENT: MysqlError = {
  errno: 1243,
  message: 'Unknown prepared statement handler given to EXECUTE',
}
const COMMAND_NAMES: Readonly<Record<number, string>> = {
  [COMMAND.PING]: 'COM_PING',
  [COMMAND.RESET]: 'COM_RESET_CONNECTION',
  [COMMAND.CHANGE_USER]: 'COM_CHANGE_USER',
}

interface Listeners {
  readonly onLogin: () => void
  readonly onStatement: (statement: string) => void
  readonly onClose: () => void
}

/** One connection of a scripted server. */
export class ScriptedSession implements MysqlSession {
  readonly id: number
  readonly closed: Promise<void>
  user = ''
  database: string | undefined
  readonly statements: string[] = []
  /** The socket of TCP, also under TLS. */
  readonly #raw: Socket
  #socket: Socket
  readonly #script: MysqlScript
  readonly #listeners: Listeners
  readonly #prepared = new Map<number, string>()
  #latestPrepared = 0
  #reader = new PacketReader()
  #loggedIn = false
  #ended = false
  #status: number = SERVER_STATUS.AUTOCOMMIT
  /** Commands that came before the answer to an earlier one are answered in their order. */
  #turn: Promise<void> = Promise.resolve()

  constructor(socket: Socket, id: number, script: MysqlScript, listeners: Listeners) {
    this.id = id
    this.#raw = socket
    this.#socket = socket
    this.#script = script
    this.#listeners = listeners
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        listeners.onClose()
        resolve()
      })
    })
    this.#listen()
  }

  greet(): void {
    const instead = this.#script.greet?.()
    if (instead !== undefined) this.#reply(instead, 0, true)
    else {
      const { version = '8.4.3', tls = false } = this.#script
      this.#socket.write(frame(0, [greeting(this.id, version, tls)]))
    }
  }

  end(how: 'close' | 'reset' | MysqlError): void {
    this.#reply(typeof how === 'string' ? how : { ...how, close: true }, 0)
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      for (const { number, body } of this.#reader.read(chunk)) {
        if (this.#loggedIn) this.#turn = this.#turn.then(() => this.#serve(body))
        else this.#login(body, number + 1)
      }
    })
  }

  #login(body: Buffer, next: number): void {
    const login = parseLogin(body)
    if (login === 'tls') {
      this.#socket.removeAllListeners('data')
      // A client does not wait before it speaks TLS; what is kept of it is read from a socket that is paused.
      this.#socket.pause()
      this.#socket.unshift(this.#reader.rest)
      this.#reader = new PacketReader()
      this.#socket = new TLSSocket(this.#socket, {
        isServer: true,
        cert: TEST_CERTIFICATE,
        key: TEST_KEY,
      })
      this.#listen()
      return
    }
    this.user = login.user
    this.database = login.database
    this.#loggedIn = true
    this.#listeners.onLogin()
    this.#reply(this.#script.login?.(this), next, true)
  }

  async #serve(body: Buffer): Promise<void> {
    if (this.#ended) return
    const command = body[0] as number
    const text = body.toString('utf8', 1)
    switch (command) {
      case COMMAND.QUIT:
        this.#socket.end()
        return
      case COMMAND.QUERY:
        return this.#answer(text)
      case COMMAND.PREPARE:
        this.#prepare(text)
        return
      case COMMAND.EXECUTE: {
        const statement = this.#prepared.get(body.readUInt32LE(1))
        if (statement === undefined) this.#reply(UNKNOWN_STATEMENT, 1)
        else await this.#answer(statement, true)
        return
      }
      case COMMAND.CLOSE:
        // Has no answer.
        this.#prepared.delete(body.readUInt32LE(1))
        return
      case COMMAND.INIT_DB:
        this.database = text
        return this.#answer(`COM_INIT_DB ${text}`)
      case COMMAND.RESET:
        this.#prepared.clear()
        this.#status = SERVER_STATUS.AUTOCOMMIT
        return this.#answer('COM_RESET_CONNECTION')
      default:
        return this.#answer(COMMAND_NAMES[command] ?? `COM_${command}`)
    }
  }

  #prepare(statement: string): void {
    this.#latestPrepared += 1
    this.#prepared.set(this.#latestPrepared, statement)
    const parameters = statement.split('?').length - 1
    this.#socket.write(frame(1, preparedPackets(this.#latestPrepared, parameters)))
  }

  async #answer(statement: string, binary = false): Promise<void> {
    this.statements.push(statement)
    this.#listeners.onStatement(statement)
    const reply = await this.#script.answer?.(statement, this)
    this.#reply(reply, 1, false, binary)
  }

  #reply(reply: MysqlReply, next: number, closing = false, binary = false): void {
    const socket = this.#socket
    if (reply === 'silence') return
    if (reply === 'close') this.#raw.destroy()
    else if (reply === 'reset') this.#raw.resetAndDestroy()
    else if (this.#ended || socket.destroyed) return
    else if (reply !== undefined && 'errno' in reply) {
      const { errno, sqlState = 'HY000', message = 'scripted', close = closing } = reply
      socket.write(frame(next, [errorPacket(errno, sqlState, message)]))
      if (close) {
        this.#ended = true
        socket.end()
      }
    } else {
      this.#status = reply?.status ?? this.#status
      const packets =
        reply !== undefined && 'rows' in reply
          ? rowPackets(reply.rows, this.#status, binary)
          : [okPacket({ ...reply, status: this.#status })]
      socket.write(frame(next, packets))
    }
  }
}
