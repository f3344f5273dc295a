/** What chaos needs of a server of any database. */
export interface ServerNode {
  readonly name: string
  readonly host: string
  readonly port: number
  /** True from a start to the exit of the process; a frozen server is running. */
  readonly running: boolean
  readonly frozen: boolean
  url(): string
  query<R extends object = Record<string, unknown>>(sql: string): Promise<R[]>
  crash(): Promise<void>
}

/** When a promotion was asked for, and from when on it could be seen. */
export interface Promotion {
  readonly askedAt: number
  readonly visibleAt: number
}
