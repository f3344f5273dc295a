import type { ManagerOptions } from '@connmgr/core'
import type { AnyConnectionManager } from '@connmgr/prisma'
import type { PrismaClient } from './sqlite/generated/client.js'

/** A client of the shop. Those of all databases have these models; the types are those of one of them. */
export type ShopClient = Omit<PrismaClient, 'sample'>

export type ManagedShop = ShopClient & { readonly $connections: AnyConnectionManager }

/** Options that every manager takes. */
export type CommonOptions = Pick<
  ManagerOptions<never>,
  'acquireTimeoutMs' | 'leakDetection' | 'healthMonitoring' | 'clock'
>

/** One database, as the suite of all adapters uses it. */
export interface AdapterHarness {
  createManager(options: CommonOptions): AnyConnectionManager
  /** A managed client. @param manager none to make one from options */
  open(manager?: AnyConnectionManager): ManagedShop
  /** A client with Prisma's own adapter and none of ours. */
  openPlain(): ShopClient
  /** Takes all connections that transactions could have. @returns gives them back */
  occupy(manager: AnyConnectionManager): Promise<() => void>
  /** Deletes all rows. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** The clients of one test, with their managers. */
export class Clients {
  readonly #harness: () => AdapterHarness
  readonly #opened: { $disconnect(): Promise<void> }[] = []
  readonly #managers: AnyConnectionManager[] = []

  constructor(harness: () => AdapterHarness) {
    this.#harness = harness
  }

  get harness(): AdapterHarness {
    return this.#harness()
  }

  open(options: CommonOptions = {}): ManagedShop {
    const manager = this.harness.createManager(options)
    this.#managers.push(manager)
    return this.#keep(this.harness.open(manager))
  }

  openOwn(): ManagedShop {
    return this.#keep(this.harness.open())
  }

  openPlain(): ShopClient {
    return this.#keep(this.harness.openPlain())
  }

  async close(): Promise<void> {
    for (const each of this.#opened.splice(0)) await each.$disconnect()
    for (const each of this.#managers.splice(0)) await each.close({ drainTimeoutMs: 0 })
  }

  #keep<C extends { $disconnect(): Promise<void> }>(client: C): C {
    this.#opened.push(client)
    return client
  }
}

/** The addresses of all users. */
export async function emails(prisma: ShopClient): Promise<string[]> {
  return (await prisma.user.findMany({ orderBy: { email: 'asc' } })).map(({ email }) => email)
}
