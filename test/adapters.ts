import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'

type Query = (text: string) => Promise<unknown[]>

/** An ORM on a manager, as far as these tests use it. */
export interface Access {
  readonly connections: PgConnectionManager
  readonly query: Query
  /** Commits what `work` has sent, or rolls it back if it rejects. */
  transaction(work: (query: Query) => Promise<void>): Promise<void>
  /** Leaks one connection, until the returned function is called. */
  leak(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** The options of a manager of its own, or the manager of its caller. */
export type Given = PgManagerOptions | PgConnectionManager

/** Entry points of the engine. Each is loaded when it is first opened, as a program that uses one ORM loads no other. */
export const ADAPTERS: Readonly<Record<string, (given: Given) => Promise<Access>>> = {
  pg: async (given) => (await import('./adapters/pg.js')).openManager(given),
  ManagedPool: async (given) => (await import('./adapters/pg.js')).openPool(given),
  TypeORM: async (given) => (await import('./adapters/typeorm.js')).open(given),
  Prisma: async (given) => (await import('./adapters/prisma.js')).open(given),
  Drizzle: async (given) => (await import('./adapters/drizzle.js')).open(given),
}
