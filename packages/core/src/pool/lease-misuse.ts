import { reportLease } from '../leaks/leak-detector.js'
import { leaseAround } from '../leaks/nesting.js'
import { describeOrigin, formatStack } from '../leaks/stack.js'
import { redactText } from '../secrets/redact-text.js'
import type { PoolContext } from './context.js'
import type { Lease } from './lease.js'
import type { LeaseOwner } from './waiter.js'

/** Reports callers that use leases wrongly. */
export class LeaseMisuse<C extends object> {
  readonly #context: PoolContext<C>

  constructor(context: PoolContext<C>) {
    this.#context = context
  }

  /** A caller begins to wait, in a flow that holds a connection meanwhile. */
  nested({ holding, label, stack }: LeaseOwner): void {
    const outer = leaseAround(holding)
    if (outer === undefined) return
    const { events, name } = this.#context.runtime
    events.emit({
      type: 'leaseMisused',
      pool: name,
      endpoint: this.#context.endpoint.id,
      connectionId: outer.entry.id,
      leaseId: outer.id,
      reason: 'nested',
      lease: reportLease(outer, this.#context.runtime),
      waiter: {
        ...(label === undefined ? {} : { label: redactText(label) }),
        checkedOutBy: stack && describeOrigin(stack),
        stack: stack && formatStack(stack),
      },
    })
  }

  /** A handle was used after its lease had ended: the report names its holder, and the holder of the connection now. */
  usedAfterEnd(lease: Lease<C>, statement: string | undefined): void {
    const { events, name, sql } = this.#context.runtime
    const { lease: latest } = lease.entry
    const query = sql.statement(statement)
    events.emit({
      type: 'leaseMisused',
      pool: name,
      endpoint: this.#context.endpoint.id,
      connectionId: lease.connectionId,
      leaseId: lease.id,
      reason: 'used-after-release',
      lease: reportLease(lease, this.#context.runtime),
      ...(latest !== undefined && latest !== lease && latest.booked
        ? { holder: reportLease(latest, this.#context.runtime) }
        : {}),
      ...(query === undefined ? {} : { query }),
    })
  }

  releasedTwice(lease: Lease<C>): void {
    this.#context.runtime.events.emit({
      type: 'leaseMisused',
      pool: this.#context.runtime.name,
      endpoint: this.#context.endpoint.id,
      connectionId: lease.connectionId,
      leaseId: lease.id,
      reason: 'released-twice',
    })
  }
}
