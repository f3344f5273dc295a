import type { Path } from '../collector/paths.js'
import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { CodePlace, NPlusOneVerdict } from '../snapshot.js'

/** Distinct verdicts that are kept. */
const MOST_VERDICTS = 200

/** The statement whose rows the repeats follow. */
export interface Parent {
  readonly fingerprint: Fingerprint
  readonly path: Path
}

/** One verdict, as it grows. */
export class OpenVerdict {
  readonly fingerprint: Fingerprint
  readonly path: Path
  readonly evidence: NPlusOneVerdict['evidence']
  readonly firstSeenAt: number
  parent: Parent | undefined
  contexts = 0
  repeats = 0
  maxRepeats = 0
  runMs = 0
  lastSeenAt: number

  constructor(
    fingerprint: Fingerprint,
    path: Path,
    evidence: NPlusOneVerdict['evidence'],
    at: number,
  ) {
    this.fingerprint = fingerprint
    this.path = path
    this.evidence = evidence
    this.firstSeenAt = at
    this.lastSeenAt = at
  }

  /** @param more repeats since the last call for the same unit; @param all repeats of it */
  grow(more: number, all: number, runMs: number, at: number): void {
    this.repeats += more
    this.maxRepeats = Math.max(this.maxRepeats, all)
    this.runMs += runMs
    this.lastSeenAt = at
  }
}

/** What was found, by statement and way, bounded in number. */
export class Verdicts {
  readonly #open = new Map<string, OpenVerdict[]>()
  #count = 0

  /** Whether a statement of that shape was found before. */
  knows(fingerprint: string): boolean {
    return this.#open.has(fingerprint)
  }

  open(
    fingerprint: Fingerprint,
    path: Path,
    evidence: NPlusOneVerdict['evidence'],
    at: number,
  ): OpenVerdict | undefined {
    const known = this.#open.get(fingerprint.id) ?? []
    let verdict = known.find((each) => each.path === path)
    if (verdict === undefined) {
      if (this.#count >= MOST_VERDICTS) return undefined
      verdict = new OpenVerdict(fingerprint, path, evidence, at)
      this.#open.set(fingerprint.id, [...known, verdict])
      this.#count += 1
    }
    verdict.contexts += 1
    return verdict
  }

  /** The costliest first. */
  list(): NPlusOneVerdict[] {
    return [...this.#open.values()]
      .flat()
      .map(shown)
      .sort((a, b) => b.totalRunMs - a.totalRunMs)
  }

  clear(): void {
    this.#open.clear()
    this.#count = 0
  }
}

function shown(verdict: OpenVerdict): NPlusOneVerdict {
  const { fingerprint, parent, path } = verdict
  return {
    fingerprint: fingerprint.id,
    text: fingerprint.text,
    site: path.site as CodePlace,
    path: path.places,
    tables: fingerprint.tables,
    contexts: verdict.contexts,
    maxRepeats: verdict.maxRepeats,
    meanRepeats: verdict.repeats / verdict.contexts,
    totalRunMs: verdict.runMs,
    evidence: verdict.evidence,
    parent:
      parent === undefined
        ? undefined
        : {
            fingerprint: parent.fingerprint.id,
            text: parent.fingerprint.text,
            site: parent.path.site,
          },
    firstSeenAt: verdict.firstSeenAt,
    lastSeenAt: verdict.lastSeenAt,
  }
}
