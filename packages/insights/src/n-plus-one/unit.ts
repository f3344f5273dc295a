import type { Path } from '../collector/paths.js'
import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { NPlusOneVerdict } from '../snapshot.js'
import { isOnPurpose, type ReadHabit, readHabitOf } from './read-habit.js'
import { type EndedRead, Repeats } from './repeats.js'
import type { OpenVerdict, Parent, Verdicts } from './verdicts.js'

/** Shapes that are counted of one unit: a request that runs more has other troubles. */
const MOST_SHAPES = 200

interface Counted extends Repeats {
  verdict?: OpenVerdict
  /** The latest read of several rows before the first of these. */
  parent?: RowsBefore | undefined
  habit?: ReadHabit
  /** How many repeats and how much of their time the verdict knows of. */
  told?: number
  toldMs?: number
}

/** A read that others may follow, one for each of its rows. */
interface RowsBefore extends Parent {
  readonly rows: number
}

/** What a detector knows of all units. */
export interface UnitContext {
  readonly threshold: number
  readonly verdicts: Verdicts
  /** Reads the way of every repeatable read, for tests. */
  readonly thorough: boolean
  /** Milliseconds since the Unix epoch. */
  wallTime(): number
}

/** One request, transaction or test: what it repeats in one place is N+1. */
export class Unit {
  readonly #context: UnitContext
  readonly #evidence: NPlusOneVerdict['evidence']
  readonly #shapes = new Map<string, Counted>()
  /** The latest read that returned several rows. */
  #parent: RowsBefore | undefined

  constructor(context: UnitContext, evidence: NPlusOneVerdict['evidence']) {
    this.#context = context
    this.#evidence = evidence
  }

  /** A read begins. @returns whether its way must be known */
  begin(fingerprint: Fingerprint, at: number): boolean {
    const { threshold, thorough, verdicts } = this.#context
    const { id } = fingerprint
    let repeats = this.#shapes.get(id)
    if (repeats === undefined) {
      if (this.#shapes.size >= MOST_SHAPES) return false
      repeats = new Repeats()
      repeats.parent = this.#parent
      repeats.habit = readHabitOf(fingerprint)
      this.#shapes.set(id, repeats)
    }
    repeats.begin(at)
    if (thorough) return true
    if (repeats.verdict !== undefined) return false
    if (verdicts.knows(id)) return repeats.count === threshold
    // From the second on: most shapes occur once. Not for ever, if they come from many places.
    return repeats.count >= 2 && repeats.count <= 4 * threshold
  }

  came({ id }: Fingerprint, path: Path): void {
    this.#shapes.get(id)?.came(path)
  }

  end(fingerprint: Fingerprint, path: Path, ended: EndedRead): void {
    const repeats = this.#shapes.get(fingerprint.id)
    if (repeats !== undefined) {
      repeats.end(ended)
      this.#judge(fingerprint, repeats)
    }
    const { rows } = ended
    if (rows >= 2 && repeats?.verdict === undefined) this.#parent = { fingerprint, path, rows }
  }

  #judge(fingerprint: Fingerprint, repeats: Counted): void {
    const { threshold, thorough, verdicts, wallTime } = this.#context
    if (repeats.verdict === undefined) {
      if (repeats.count < threshold) return
      if (isOnPurpose(repeats, repeats.habit, repeats.parent?.rows, threshold)) return
      const isKnown = !thorough && verdicts.knows(fingerprint.id)
      const path = repeats.path(isKnown ? 1 : thorough ? threshold : Math.max(1, threshold - 1))
      if (path === undefined) return
      const verdict = verdicts.open(fingerprint, path, this.#evidence, wallTime())
      if (verdict === undefined) return
      verdict.parent ??= repeats.parent
      repeats.verdict = verdict
    }
    repeats.verdict.grow(
      repeats.count - (repeats.told ?? 0),
      repeats.count,
      repeats.runMs - (repeats.toldMs ?? 0),
      wallTime(),
    )
    repeats.told = repeats.count
    repeats.toldMs = repeats.runMs
  }
}
