import type { FailureClass } from '../../demo/src/failure-class.js'

export type OperationKind = 'write' | 'read'

/** One call of a caller, from its beginning on; plain data, so that processes can tell each other. */
export interface Operation {
  readonly kind: OperationKind
  /** Of a write: the row's. */
  readonly id: string | undefined
  readonly startedAt: number
  endedAt: number | undefined
  failure: FailureClass | undefined
  /** Of its error. */
  message: string | undefined
}

/** What callers did, in the order in which it ended. */
export class OperationLog {
  readonly operations: Operation[] = []

  add(operation: Operation): void {
    this.operations.push(operation)
  }

  succeeded(kind: OperationKind, from = 0, to = Number.POSITIVE_INFINITY): Operation[] {
    return this.operations.filter(
      (each) => each.kind === kind && each.failure === undefined && endedWithin(each, from, to),
    )
  }

  failed(kind: OperationKind, from = 0, to = Number.POSITIVE_INFINITY): Operation[] {
    return this.operations.filter(
      (each) => each.kind === kind && each.failure !== undefined && endedWithin(each, from, to),
    )
  }

  /** When the first success of a kind came, from a moment on. */
  firstSuccess(kind: OperationKind, from: number): number | undefined {
    return this.succeeded(kind, from)[0]?.endedAt
  }

  /** The longest time between two successful writes, one after the other. */
  get longestGapMs(): number {
    let longest = 0
    let last: number | undefined
    for (const { endedAt } of this.succeeded('write')) {
      if (endedAt !== undefined && last !== undefined) longest = Math.max(longest, endedAt - last)
      last = endedAt
    }
    return longest
  }
}

function endedWithin({ endedAt }: Operation, from: number, to: number): boolean {
  return endedAt !== undefined && endedAt >= from && endedAt <= to
}
