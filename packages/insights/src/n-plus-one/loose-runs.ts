import type { Path } from '../collector/paths.js'
import type { Fingerprint } from '../fingerprint/fingerprints.js'
import { isOnPurpose, readHabitOf } from './read-habit.js'
import { type EndedRead, Repeats } from './repeats.js'
import type { UnitContext } from './unit.js'
import type { Parent } from './verdicts.js'

/** Shapes that may alternate after the rows of one statement. */
const MOST_MEMBERS = 3

const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge'])

/**
 * Finds N+1 where no request tells units of work apart, such as in a script: a read returned so many rows, and then the
 * same few reads followed, from one place, exactly once for each row, with nothing else between, and no write for each. Weaker
 * evidence would blame every loop that calls a healthy function.
 */
export class LooseRuns {
  readonly #context: UnitContext
  #parent: (Parent & { readonly rows: number }) | undefined
  readonly #members = new Map<string, { fingerprint: Fingerprint; repeats: Repeats }>()

  constructor(context: UnitContext) {
    this.#context = context
  }

  /** A statement begins that is in no unit. @returns whether its way must be known */
  begin(fingerprint: Fingerprint, at: number): boolean {
    const { kind, id } = fingerprint
    if (this.#parent === undefined || kind === 'transaction' || kind === 'session') return false
    let member = this.#members.get(id)
    if (member === undefined) {
      if (!this.#admits(fingerprint)) {
        this.#finish()
        return false
      }
      member = { fingerprint, repeats: new Repeats() }
      this.#members.set(id, member)
    }
    member.repeats.begin(at)
    if (member.repeats.count > this.#parent.rows) {
      if (isWrite(fingerprint)) this.#finish()
      else this.#forget()
      return false
    }
    return member.repeats.count >= 2 && member.repeats.count <= this.#context.threshold + 3
  }

  came({ id }: Fingerprint, path: Path): void {
    this.#members.get(id)?.repeats.came(path)
  }

  end(fingerprint: Fingerprint, path: Path, ended: EndedRead): void {
    const member = this.#members.get(fingerprint.id)
    if (member !== undefined) {
      member.repeats.end(ended)
      return
    }
    const { rows } = ended
    if (fingerprint.repeatable && rows >= this.#context.threshold && this.#members.size === 0)
      this.#parent = { fingerprint, path, rows }
  }

  /** Judges what there is so far; called before verdicts are read. */
  settle(): void {
    const counts = [...this.#members.values()]
      .filter(({ fingerprint }) => !isWrite(fingerprint))
      .map(({ repeats }) => repeats.count)
    if (counts.length > 0 && counts.every((each) => each === this.#parent?.rows)) this.#finish()
  }

  /** Alternating shapes come one after another in the first round, and no other comes later but a write. */
  #admits(fingerprint: Fingerprint): boolean {
    const { id } = fingerprint
    if (id === this.#parent?.fingerprint.id || this.#members.size >= MOST_MEMBERS) return false
    if (isWrite(fingerprint)) return true
    for (const { repeats } of this.#members.values()) if (repeats.count > 1) return false
    return true
  }

  #finish(): void {
    const { threshold, verdicts, wallTime } = this.#context
    const parent = this.#parent
    const members = [...this.#members.values()]
    this.#forget()
    if (parent === undefined) return
    // Work that is done for each row, such as that of a queue, reads what it needs for that one.
    if (
      members.some(
        ({ fingerprint, repeats }) => isWrite(fingerprint) && repeats.count === parent.rows,
      )
    )
      return
    for (const { fingerprint, repeats } of members) {
      if (repeats.count !== parent.rows || !fingerprint.repeatable) continue
      const path = repeats.path(threshold - 1)
      if (path === undefined || !repeats.oneWay) continue
      if (isOnPurpose(repeats, readHabitOf(fingerprint), parent.rows, threshold)) continue
      const at = wallTime()
      const verdict = verdicts.open(fingerprint, path, 'parent-rows', at)
      if (verdict === undefined) continue
      verdict.parent ??= parent
      verdict.grow(repeats.count, repeats.count, repeats.runMs, at)
    }
  }

  #forget(): void {
    this.#parent = undefined
    this.#members.clear()
  }
}

function isWrite({ kind }: Fingerprint): boolean {
  return WRITES.has(kind)
}
