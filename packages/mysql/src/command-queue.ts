import {
  type Interceptor,
  interceptConnection,
  passPacket,
  sendCommand,
} from './followed-connection.js'
import type { Command, Internals, Packet } from './internals.js'

/** Who is between a connection's users and its queue. */
export interface CommandWatch {
  /** Gets each command, and hands it to `send` of the queue. */
  add(command: Command): Command
  /** Gets a packet that may end an answer before its command reads it. */
  before(command: Command, packet: Packet): void
  /** Called when a command has read such a packet. */
  after(): void
}

const OK = 0
const EOF = 0xfe

/** Whether it is an OK, an EOF or an error. Others are rows and columns, of which there may be many. */
function mayEnd({ buffer, offset }: Packet): boolean {
  const first = buffer[offset] as number
  return first === OK || first >= EOF
}

/** The one place that all commands of a connection pass on their way to the server, and all packets on their way back. */
export class CommandQueue implements Interceptor {
  readonly #internals: Internals
  readonly #waiting: (() => void)[] = []
  #watch: CommandWatch | undefined
  /** Set once mysql2 takes no more commands. */
  #refuses = false

  constructor(internals: Internals) {
    this.#internals = internals
  }

  /** Begins to pass commands and packets by `watch`. */
  intercept(watch: CommandWatch): void {
    this.#watch = watch
    interceptConnection(this.#internals, this)
  }

  /** Hands a command to mysql2. */
  send(command: Command): Command {
    return sendCommand(this.#internals, command)
  }

  add(command: Command): Command {
    return this.#watch === undefined ? this.send(command) : this.#watch.add(command)
  }

  handlePacket(packet: Packet | undefined): void {
    const internals = this.#internals
    if (packet === undefined || !mayEnd(packet)) passPacket(internals, packet)
    else {
      const command = internals._command
      if (command && internals._paused !== true) this.#watch?.before(command, packet)
      passPacket(internals, packet)
      this.#watch?.after()
    }
    if (this.#waiting.length > 0 && !this.waits) this.release()
  }

  refuses(): void {
    this.#refuses = true
  }

  /** mysql2 takes no more commands: the connection is closing, or has failed. */
  get closed(): boolean {
    const { _closing, _fatalError, _protocolError } = this.#internals
    return this.#refuses || _closing === true || Boolean(_fatalError) || Boolean(_protocolError)
  }

  get busy(): boolean {
    const { _command, _commands } = this.#internals
    return Boolean(_command) || (_commands?.length ?? 0) > 0
  }

  /** A command has been sent, and its answer has not come. */
  get sent(): boolean {
    return Boolean(this.#internals._command)
  }

  /** Something runs that ends by itself. */
  get waits(): boolean {
    return this.busy && this.#internals._paused !== true && !this.closed
  }

  /** Resolves when nothing runs that ends by itself. */
  idle(): Promise<void> {
    if (!this.waits) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** Nothing more will end by itself. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
