import type { Command, Internals, Packet } from './internals.js'

/** What is told of a packet before its command reads it, and after. */
export interface PacketWatch {
  before(command: Command, packet: Packet): void
  after(): void
}

/** How an OK, an EOF and an error begin. */
const MAY_END: ReadonlySet<number | undefined> = new Set([0, 0xfe, 0xff])

/**
 * The one place that all commands of a connection pass on their way to the server, and all packets on their way back.
 * mysql2 replaces its own `addCommand` when a connection closes; what is put here stays.
 */
export class CommandQueue {
  readonly #internals: Internals
  readonly #waiting: (() => void)[] = []
  /** Set once mysql2 takes no more commands. */
  #refuses = false

  constructor(internals: Internals) {
    this.#internals = internals
  }

  /** @param add gets each command, and `send`, which hands it to mysql2 */
  intercept(
    add: (command: Command, send: (command: Command) => Command) => Command,
    watch: PacketWatch,
  ): void {
    const internals = this.#internals
    const send = internals.addCommand.bind(internals)
    const { handlePacket } = internals
    const intercepted = (command: Command): Command => add(command, send)
    Object.defineProperty(internals, 'addCommand', {
      get: () => intercepted,
      set: () => {
        this.#refuses = true
      },
      configurable: true,
      enumerable: false,
    })
    Object.defineProperty(internals, 'handlePacket', {
      value: (packet?: Packet) => {
        const command = internals._command
        // Others are rows and columns, of which there may be many.
        if (
          packet !== undefined &&
          command &&
          MAY_END.has(packet.buffer[packet.offset]) &&
          internals._paused !== true
        )
          watch.before(command, packet)
        handlePacket.call(internals, packet)
        watch.after()
        if (this.#waiting.length > 0 && !this.waits) this.release()
      },
      configurable: true,
      enumerable: false,
      writable: true,
    })
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
