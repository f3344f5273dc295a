import type { ConnectionCount, Fact, Identity } from './examination.js'
import type { Finding } from './finding.js'

/** What the examination of one kind of database comes to. */
export interface ServerFindings {
  readonly version: string | null
  readonly facts: Readonly<Record<string, Fact>>
  readonly connections: readonly ConnectionCount[]
  readonly findings: readonly Finding[]
  readonly identity: Identity | undefined
}
