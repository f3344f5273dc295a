import { Socket } from 'node:net'
import { oneBufferSocket } from '@connmgr/core/driver'
import mysql2, { type Connection, type ConnectionOptions } from 'mysql2'
import type { Command, Internals, Packet } from './internals.js'
import { preparedCall } from './prepared-call.js'

/** What stands between a connection and mysql2: all commands pass it on their way out, all packets on their way back. */
export interface Interceptor {
  add(command: Command): Command
  /** @param packet undefined if the turn of a command has come */
  handlePacket(packet: Packet | undefined): void
  /** mysql2 takes no more commands. */
  refuses(): void
}

/** Where mysql2 connects to. */
interface SocketConfig {
  readonly host: string
  readonly port: number
  readonly socketPath?: string
  readonly enableKeepAlive: boolean
  readonly keepAliveInitialDelay: number
}

const INTERCEPTOR = Symbol('interceptor of a connection')
const SECRETS = Symbol('secrets of a connection')

/** What mysql2 logs in with, beside the name of the user. */
type Secrets = Record<string, unknown>
const NAMES_OF_SECRETS = ['password', 'password1', 'password2', 'password3', 'passwordSha1']

/** Untyped by mysql2, though it exports them. */
const { Connection: MysqlConnection, ConnectionConfig } = mysql2 as unknown as {
  Connection: new (options: { config: object }) => object
  ConnectionConfig: new (options: ConnectionOptions) => object
}

/**
 * A connection of mysql2 that can be intercepted. The methods are on a class, and not on each connection, because V8 makes
 * a dictionary of the second object that is given an accessor of its own, and everything that mysql2 reads from one is slow.
 */
class FollowedConnection extends MysqlConnection {
  declare [INTERCEPTOR]: Interceptor | undefined
  declare [SECRETS]: Secrets

  constructor(options: { config: object }) {
    super(options)
    // Out of sight of what prints a connection.
    Object.defineProperty(this, INTERCEPTOR, { value: undefined, writable: true })
    Object.defineProperty(this, SECRETS, { value: {}, writable: true })
  }

  /** With the password of the login, as in mysql2, where none is given. */
  changeUser(given: unknown, answer: unknown): unknown {
    const internals = this as unknown as Internals
    const [options, done] = typeof given === 'function' ? [{}, given] : [given as Secrets, answer]
    const complete: Secrets = { ...options, password: options.password || options.password1 }
    for (const name of NAMES_OF_SECRETS) complete[name] ||= this[SECRETS][name]
    return changeUser.call(internals, complete, (error) => {
      // mysql2 has written it into the configuration.
      hidePassword(internals)
      ;(done as ((error: unknown) => void) | undefined)?.(error)
    })
  }

  /**
   * A statement that is prepared already is sent as it is. mysql2 makes a command of the question whether it is, and options
   * for both.
   */
  execute(sql: unknown, values: unknown, callback: unknown): unknown {
    const internals = this as unknown as Internals
    const { execute } = MysqlConnection.prototype as Executes
    const prepared =
      execute === UNWRAPPED ? preparedCall(internals, sql, values, callback) : undefined
    if (prepared === undefined) return execute.call(internals, sql, values, callback)
    const command = prepared.execute(values, callback)
    // mysql2 puts it into errors.
    command.sql = sql as string
    return command
  }

  // mysql2 puts another one in its place when a connection closes.
  get addCommand(): (command: Command) => Command {
    return add
  }

  set addCommand(_replacement: unknown) {
    this[INTERCEPTOR]?.refuses()
  }

  /**
   * Without a callback for each packet, which costs Node a turn of its own. An error of a socket that lives comes by its
   * event; a socket that does not has nothing but the callback to report that.
   */
  write(buffer: Buffer): void {
    const { stream } = this as unknown as Internals
    if (!stream.writable) write.call(this as unknown as Internals, buffer)
    else if (!stream.write(buffer)) stream.emit('pause')
  }

  handlePacket(packet?: Packet): void {
    const interceptor = this[INTERCEPTOR]
    if (interceptor === undefined) passPacket(this as unknown as Internals, packet)
    else interceptor.handlePacket(packet)
  }
}

// Constants, which V8 can inline: each packet passes one of them.
const { addCommand, changeUser, handlePacket, write } = MysqlConnection.prototype as Internals & {
  changeUser(this: Internals, options: Secrets, done: (error: unknown) => void): unknown
}

interface Executes {
  execute(this: Internals, sql: unknown, values: unknown, callback: unknown): unknown
}

/** mysql2's own `execute`; undefined if something that traces it has put another in its place. */
const UNWRAPPED = mysqlExecute(MysqlConnection.prototype as Executes)

function mysqlExecute({ execute }: Executes): Executes['execute'] | undefined {
  return Function.prototype.toString.call(execute).includes('.Prepare(') ? execute : undefined
}

/** Begins to connect, as `mysql2.createConnection`. */
export function createFollowedConnection(options: ConnectionOptions): Connection {
  return new FollowedConnection({
    config: new ConnectionConfig(
      options.stream || options.ssl ? options : { ...options, stream: openSocket },
    ),
  }) as unknown as Connection
}

/** As mysql2 opens its own. */
function openSocket({ config }: { config: SocketConfig }): Socket {
  const socket = oneBufferSocket(Socket)
  if (config.socketPath) return socket.connect(config.socketPath)
  if (config.enableKeepAlive)
    socket.once('connect', () => socket.setKeepAlive(true, config.keepAliveInitialDelay))
  return socket.connect(config.port, config.host).setNoDelay(true)
}

/** Has all commands and packets of a connection pass `interceptor`. */
export function interceptConnection(internals: Internals, interceptor: Interceptor): void {
  ;(internals as unknown as FollowedConnection)[INTERCEPTOR] = interceptor
}

/** mysql2 copies its configuration into every statement, which programs print: the password is kept elsewhere. */
export function hidePassword(internals: Internals): void {
  const secrets: Secrets = {}
  for (const name of NAMES_OF_SECRETS) {
    if (internals.config[name] === undefined) continue
    secrets[name] = internals.config[name]
    internals.config[name] = undefined
  }
  ;(internals as unknown as FollowedConnection)[SECRETS] = secrets
}

/** Hands a command to mysql2. */
export function sendCommand(internals: Internals, command: Command): Command {
  return addCommand.call(internals, command)
}

/** Hands a packet to mysql2. */
export function passPacket(internals: Internals, packet: Packet | undefined): void {
  handlePacket.call(internals, packet)
}

function add(this: FollowedConnection, command: Command): Command {
  const interceptor = this[INTERCEPTOR]
  // The handshake is added before the connection has one.
  return interceptor === undefined
    ? sendCommand(this as unknown as Internals, command)
    : interceptor.add(command)
}
