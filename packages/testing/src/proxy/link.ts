import { connect, type Socket } from 'node:net'
import { Flow, type FlowConditions, transitMs } from './flow.js'

/** Where the far end of a connection is. */
export interface ProxyTarget {
  readonly host: string
  readonly port: number
}

/** What all connections of one proxy are subject to. */
export interface LinkConditions {
  readonly toServer: FlowConditions
  readonly toClient: FlowConditions
}

/** One connection through the proxy: the client's socket and its counterpart at the server. */
export class Link {
  readonly #client: Socket
  readonly #conditions: LinkConditions
  readonly #target: ProxyTarget
  #server: Socket | undefined
  #handshake: NodeJS.Timeout | undefined
  #shaken = false
  #flows: Flow[] = []
  #halfOpen = false
  #abandoned = false

  constructor(
    client: Socket,
    target: ProxyTarget,
    conditions: LinkConditions,
    onClose: () => void,
  ) {
    this.#client = client
    this.#target = target
    this.#conditions = conditions
    client.setNoDelay(true)
    client.once('close', onClose)
    // A reset is passed on by the flow; without a listener it would end the process.
    client.on('error', () => {})
    client.pause()
    this.update()
  }

  /** To be called after the conditions have changed. */
  update(): void {
    if (this.#halfOpen || this.#abandoned) return
    if (this.#server === undefined) {
      // A connection made in silence reaches the server once packets pass again.
      if (!this.#conditions.toServer.blocked && !this.#client.destroyed) this.#shakeHands()
      return
    }
    for (const flow of this.#flows) flow.update()
  }

  /** Both ends are reset. */
  reset(): void {
    this.#stopFlows()
    this.#client.resetAndDestroy()
    this.#server?.resetAndDestroy()
  }

  /** The server's end is gone, and the client does not learn of it. */
  makeHalfOpen(): void {
    this.#halfOpen = true
    this.#stopFlows()
    this.#server?.resetAndDestroy()
  }

  /** Nothing passes any more, ever, without notice to either end. */
  abandon(): void {
    this.#abandoned = true
    this.#stopFlows()
  }

  /** The network works again: a half-open client learns of it with the next thing it sends. */
  heal(): void {
    if (this.#halfOpen) {
      this.#client.on('data', () => this.#client.resetAndDestroy())
      this.#client.on('end', () => this.#client.resetAndDestroy())
      this.#client.resume()
    } else this.update()
  }

  destroy(): void {
    this.#stopFlows()
    this.#client.destroy()
    this.#server?.destroy()
  }

  /** The client's TCP has connected to this proxy at once; to the server it takes a round trip. */
  #shakeHands(): void {
    const { toClient, toServer } = this.#conditions
    if (this.#handshake !== undefined) return
    const delayMs = this.#shaken ? 0 : transitMs(toServer) + transitMs(toClient)
    if (delayMs < 1) {
      this.#reachServer()
      return
    }
    this.#handshake = setTimeout(() => {
      this.#handshake = undefined
      this.#shaken = true
      this.update()
    }, delayMs)
  }

  #reachServer(): void {
    const server = connect({ ...this.#target, noDelay: true, allowHalfOpen: true })
    server.on('error', () => {})
    this.#server = server
    this.#flows = [
      new Flow(this.#client, server, this.#conditions.toServer),
      new Flow(server, this.#client, this.#conditions.toClient),
    ]
  }

  #stopFlows(): void {
    clearTimeout(this.#handshake)
    for (const flow of this.#flows) flow.stop()
  }
}
