import { createServer, type Server } from 'node:net'
import { findFreePort } from '../free-port.js'
import type { FlowConditions } from './flow.js'
import { Link, type LinkConditions, type ProxyTarget } from './link.js'

const CLEAR: FlowConditions = {
  latencyMs: 0,
  jitterMs: 0,
  stalled: 0,
  stallMs: 0,
  loss: 0,
  blocked: false,
}

/** Which half of the conversation is silent. */
export type Direction = 'both' | 'to-server' | 'to-client'

/**
 * A TCP proxy on this machine that fails the way networks fail. Faults add up until `heal()` ends them all.
 *
 * @example
 * await using proxy = await startFaultProxy({ target: cluster.primary })
 * proxy.blackHole('both')
 */
export class FaultProxy {
  readonly host: string
  readonly port: number
  #target: ProxyTarget
  readonly #links = new Set<Link>()
  readonly #conditions: LinkConditions = {
    toServer: { ...CLEAR },
    toClient: { ...CLEAR },
  }
  #listener: Server | undefined
  readonly #closing: Promise<void>[] = []
  #accepted = 0

  /** @internal use `startFaultProxy` */
  constructor(target: ProxyTarget, port: number, host: string) {
    this.#target = { host: target.host, port: target.port }
    this.port = port
    this.host = host
  }

  /** Connections whose client's end is open. */
  get connections(): number {
    return this.#links.size
  }

  /** Connections accepted since the start. */
  get accepted(): number {
    return this.#accepted
  }

  /** New connections lead to another server, as when an address moves; existing ones go on. */
  retarget(target: ProxyTarget): void {
    this.#target = { host: target.host, port: target.port }
  }

  /** Everything takes this much longer in each direction. */
  latency(ms: number): void {
    this.#conditions.toServer.latencyMs = ms
    this.#conditions.toClient.latencyMs = ms
  }

  /** Each segment takes up to this much longer, in each direction. */
  jitter(ms: number): void {
    this.#conditions.toServer.jitterMs = ms
    this.#conditions.toClient.jitterMs = ms
  }

  /** This share of the segments, 0 to 1, is held up for so long, in each direction. */
  stalls(share: number, ms: number): void {
    for (const each of [this.#conditions.toServer, this.#conditions.toClient]) {
      each.stalled = share
      each.stallMs = ms
    }
  }

  /** This share of what is sent, 0 to 1, gets lost and is sent again after a while, in each direction. */
  loss(share: number): void {
    this.#conditions.toServer.loss = share
    this.#conditions.toClient.loss = share
  }

  /**
   * Nothing passes, without notice: connections stay open, new ones are accepted, ends of streams are not
   * passed on. What was sent meanwhile arrives after `heal()`, as TCP would send it again.
   */
  blackHole(direction: Direction = 'both'): void {
    if (direction !== 'to-client') this.#conditions.toServer.blocked = true
    if (direction !== 'to-server') this.#conditions.toClient.blocked = true
    for (const link of this.#links) link.update()
  }

  /** New connections are refused; existing ones go on. */
  refuse(): void {
    const listener = this.#listener
    if (listener === undefined) return
    this.#listener = undefined
    // It stops listening at once, and is closed when its last connection is.
    this.#closing.push(new Promise((resolve) => listener.close(() => resolve())))
  }

  /** Both ends of every connection are reset. */
  reset(): void {
    for (const link of this.#links) link.reset()
  }

  /**
   * The server's end of every connection is gone without a word to the client, as after a server's death or when a
   * firewall forgot the connection. What the client sends vanishes; after `heal()` it gets a reset for it. New
   * connections are not concerned.
   */
  halfOpen(): void {
    for (const link of this.#links) link.makeHalfOpen()
  }

  /**
   * Every connection is silent for ever, in both directions and also after `heal()`, without notice to either end: as when
   * what stands between has forgotten it and drops what it does not know. New connections are not concerned.
   */
  abandon(): void {
    for (const link of this.#links) link.abandon()
  }

  /** Ends every fault but that of abandoned connections, and listens again. */
  async heal(): Promise<void> {
    this.latency(0)
    this.jitter(0)
    this.stalls(0, 0)
    this.loss(0)
    this.#conditions.toServer.blocked = false
    this.#conditions.toClient.blocked = false
    for (const link of this.#links) link.heal()
    if (this.#listener === undefined) await this.listen()
  }

  /** Resolves when every socket is closed. */
  async close(): Promise<void> {
    this.refuse()
    for (const link of this.#links) link.destroy()
    await Promise.all(this.#closing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal */
  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      this.#accepted += 1
      const link: Link = new Link(client, this.#target, this.#conditions, () =>
        this.#links.delete(link),
      )
      this.#links.add(link)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: this.port, host: this.host, exclusive: true }, resolve)
    })
    this.#listener = server
  }
}

/** Starts a proxy in front of a server. */
export async function startFaultProxy({
  target,
  host = '127.0.0.1',
  port,
}: {
  readonly target: ProxyTarget
  /** An address of this machine, which all of 127.0.0.0/8 are. @default '127.0.0.1' */
  readonly host?: string
  /** @default a free one */
  readonly port?: number
}): Promise<FaultProxy> {
  for (let attempt = 1; ; attempt += 1) {
    const proxy = new FaultProxy(target, port ?? (await findFreePort()), host)
    try {
      await proxy.listen()
      return proxy
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === 20) throw error
    }
  }
}
