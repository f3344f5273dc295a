import type { Fingerprint } from '../fingerprint/fingerprints.js'
import { Sketch } from '../sketch/sketch.js'
import type { StatementStats, StatementTags } from '../snapshot.js'
import { PathHabit } from './path-habit.js'
import type { Path } from './paths.js'

/** What one statement came to. */
export interface Outcome {
  readonly waitMs: number
  readonly runMs: number
  readonly rows: number
  readonly failed: boolean
  readonly prepared: boolean
  readonly inTransaction: boolean
  readonly literals: boolean
  readonly listedNumbers: boolean
  readonly tags: StatementTags
}

/** Call sites that are kept of one fingerprint; statements of more count for the first. */
const MOST_SITES = 8
/** Of all fingerprints together, for each fingerprint that is kept. */
const SITES_PER_FINGERPRINT = 1.5
/** Candidates that are looked at to make room. */
const LOOK_AT = 8

/** Counts of one fingerprint at one call site. */
class Series {
  readonly site: Path
  calls = 0
  errors = 0
  rows = 0
  prepared = 0
  inTransaction = 0
  withLiterals = 0
  withListedNumbers = 0
  tags: StatementTags = {}
  firstSeenAt = 0
  lastSeenAt = 0
  readonly wait = new Sketch()
  readonly run = new Sketch()

  constructor(site: Path) {
    this.site = site
  }
}

/** One fingerprint. */
export class StatementEntry {
  readonly fingerprint: Fingerprint
  readonly series = new Map<string, Series>()
  /** The one that was counted last: most statements come from one place. */
  latest: Series | undefined
  readonly habit = new PathHabit()
  /** Calls whose way was read. */
  pathsRead = 0
  calls = 0
  runMs = 0
  /** A text of it as it was sent; kept only where plans are asked for, and never shown. */
  sample: string | undefined
  /** Used since room was last made. */
  recent = true

  constructor(fingerprint: Fingerprint) {
    this.fingerprint = fingerprint
  }

  came(path: Path): void {
    this.pathsRead += 1
    this.habit.came(path)
  }
}

/** Statements by fingerprint and call site, bounded in number. */
export class StatementTable {
  readonly #most: number
  readonly #entries = new Map<string, StatementEntry>()
  #sites = 0
  #forgotten = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#entries.size
  }

  /** Statements of fingerprints that have given way. */
  get forgotten(): number {
    return this.#forgotten
  }

  entry(fingerprint: Fingerprint): StatementEntry {
    let entry = this.#entries.get(fingerprint.id)
    if (entry === undefined) {
      if (this.#entries.size >= this.#most) this.#makeRoom()
      entry = new StatementEntry(fingerprint)
      this.#entries.set(fingerprint.id, entry)
    }
    entry.recent = true
    return entry
  }

  add(entry: StatementEntry, path: Path, outcome: Outcome, at: number): void {
    entry.calls += 1
    entry.runMs += outcome.runMs
    const series = this.#series(entry, path)
    if (series.calls === 0) series.firstSeenAt = at
    series.lastSeenAt = at
    series.calls += 1
    series.rows += outcome.rows
    if (outcome.failed) series.errors += 1
    if (outcome.prepared) series.prepared += 1
    if (outcome.inTransaction) series.inTransaction += 1
    if (outcome.literals) series.withLiterals += 1
    if (outcome.listedNumbers) series.withListedNumbers += 1
    series.tags = outcome.tags
    series.wait.add(outcome.waitMs)
    series.run.add(outcome.runMs)
  }

  /** By run time, longest in total first. @param runMs of all statements */
  stats(runMs: number): StatementStats[] {
    const all: StatementStats[] = []
    for (const { fingerprint, series } of this.#entries.values())
      for (const each of series.values()) all.push(statsOf(fingerprint, each, runMs))
    return all.sort((a, b) => b.run.totalMs - a.run.totalMs)
  }

  /** Fingerprints by run time, longest first. */
  entries(): StatementEntry[] {
    return [...this.#entries.values()].sort((a, b) => b.runMs - a.runMs)
  }

  clear(): void {
    this.#entries.clear()
    this.#sites = 0
    this.#forgotten = 0
  }

  #series(entry: StatementEntry, path: Path): Series {
    const { siteKey } = path
    if (entry.latest?.site.siteKey === siteKey) return entry.latest
    const known = entry.series.get(siteKey)
    if (known !== undefined) {
      entry.latest = known
      return known
    }
    const isFull =
      entry.series.size >= MOST_SITES || this.#sites >= this.#most * SITES_PER_FINGERPRINT
    const [first] = entry.series.values()
    if (isFull && first !== undefined) return first
    const series = new Series(path)
    entry.series.set(siteKey, series)
    entry.latest = series
    this.#sites += 1
    return series
  }

  /** Drops one of the fingerprints that were not used lately: of a few of these, the one that took the least time. */
  #makeRoom(): void {
    let least: StatementEntry | undefined
    let looked = 0
    for (const entry of this.#entries.values()) {
      if (entry.recent && looked < LOOK_AT) {
        // To the end, as used: those that remain at the front are those to look at next time.
        entry.recent = false
        this.#entries.delete(entry.fingerprint.id)
        this.#entries.set(entry.fingerprint.id, entry)
        looked += 1
        continue
      }
      if (least === undefined || entry.runMs < least.runMs) least = entry
      looked += 1
      if (looked >= 2 * LOOK_AT) break
    }
    if (least === undefined) return
    this.#entries.delete(least.fingerprint.id)
    this.#sites -= least.series.size
    this.#forgotten += least.calls
  }
}

function statsOf(fingerprint: Fingerprint, series: Series, runMs: number): StatementStats {
  return {
    fingerprint: fingerprint.id,
    text: fingerprint.text,
    kind: fingerprint.kind,
    tables: fingerprint.tables,
    site: series.site.site,
    tags: series.tags,
    calls: series.calls,
    errors: series.errors,
    rows: series.rows,
    prepared: series.prepared,
    inTransaction: series.inTransaction,
    withLiterals: series.withLiterals,
    withListedNumbers: series.withListedNumbers,
    wait: series.wait.distribution,
    run: series.run.distribution,
    share: runMs === 0 ? 0 : series.run.totalMs / runMs,
    firstSeenAt: series.firstSeenAt,
    lastSeenAt: series.lastSeenAt,
  }
}
