import type { Times } from './measure.js'

/** How thorough a run is. */
export interface Settings {
  readonly quick: boolean
  /** Whether the suite was asked for by name: in a quick run of all suites each has little time. */
  readonly isNamed: boolean
  readonly rounds: number
}

/** Nanoseconds per operation, or bytes. */
export type Unit = 'ns' | 'bytes'

/** What one case came to. */
export interface Measured {
  /** By contender. */
  readonly times: Times
  /** What ours takes cannot be compared with what others take. */
  readonly isNoisy?: boolean
  /** What the figures in `times` are. `@default` 'ns' */
  readonly unit?: Unit
  /**
   * More figures of the same case, by contender, for the table: connections opened, the 99th percentile; a text for one
   * that has a bound of noise, or is too noisy to be given.
   */
  readonly also?: Readonly<Record<string, Readonly<Record<string, number | string>>>>
}

export interface Suite {
  readonly name: string
  /** One line for the table's heading. */
  readonly about: string
  /** Those of the contenders that are peers: the others are shown beside them. */
  readonly peers: readonly string[]
  /** Whether a quick run has it only where it is named: all suites together would take several minutes. */
  readonly ifNamed?: true
  run(settings: Settings): Promise<Record<string, Measured>>
}
