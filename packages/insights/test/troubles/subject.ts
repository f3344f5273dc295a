import type { ConnectionManager } from '@connmgr/core'

/** One library on one database, with each trouble planted on a line that is marked by the library's name. */
export interface Subject {
  /** Reads the posts of each user with a statement of their own. */
  repeat(): Promise<unknown>
  /** As {@link repeat}, all at once, by a function that returns the promise of the library. */
  repeatByFunction(): Promise<unknown>
  /** As {@link repeat}, by relations that are read when they are looked at, where the library has such. */
  repeatLazily?(): Promise<unknown>
  /** Reads the same with as many statements as it takes. */
  join(): Promise<unknown>
  /** Updates a row, then awaits something else inside of the transaction. */
  holdIdle(elsewhere: () => Promise<void>): Promise<unknown>
  /** Updates a row and keeps its lock until `release`. @param locked called once it has the lock */
  lock(locked: () => void, release: Promise<void>): Promise<unknown>
  /** Updates the same row. */
  wait(): Promise<unknown>
  /** Runs a statement that the database takes long for. @param sql a condition that is slow to find out */
  slow(sql: string): Promise<unknown>
  close(): Promise<unknown>
  /** The manager in use, if the library has made one of its own. */
  readonly manager?: ConnectionManager<object>
}

/** Makes the subject of a manager, whose tables are there. */
export type OpenSubject = (manager: ConnectionManager<object>) => Promise<Subject> | Subject

/** One database, and the libraries that are tried on it. */
export interface TroubledDatabase {
  /** Starts it, with the tables `User` and `Post`: each of `users` has one post. */
  start(users: number): Promise<void>
  stop(): Promise<unknown>
  createManager(): ConnectionManager<object>
  readonly subjects: readonly {
    readonly name: string
    readonly open: OpenSubject
    readonly file: string
  }[]
  /** How it writes the name of the table of posts. */
  readonly posts: RegExp
  /** What it says of a wait for a lock; undefined if it cannot say who blocks whom. */
  readonly blocking?: { readonly relation: string; readonly state: string }
  /** A condition on a post that takes it long to find out. */
  readonly slowCondition: string
}
