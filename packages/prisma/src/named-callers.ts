import { runWithContext } from '@connmgr/core'
import type { CapturedStack, StatementTracer } from '@connmgr/core/driver'

/** What Prisma keeps of a call of a model's method. It captures the stack of each for its error messages. */
interface Request {
  readonly callsite?: { readonly _error?: CapturedStack }
}

interface RequestingClient {
  _request?(request: Request): Promise<unknown>
}

/**
 * Notes where each request was made, for those who watch the manager's statements: Prisma collects some for a moment, such as
 * `findUnique` and all of a transaction, and runs them where no stack reaches the caller. Prisma itself knows the caller,
 * unless its errors are `minimal`, as they are in production by default.
 */
export function nameCallers(client: object, queries: Pick<StatementTracer, 'active'>): void {
  const requesting = client as RequestingClient
  const { _request: request } = requesting
  if (typeof request !== 'function') return
  Object.defineProperty(client, '_request', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: unknown, given: Request) {
      const origin = queries.active ? given?.callsite?._error : undefined
      if (origin === undefined) return request.call(this as RequestingClient, given)
      return runWithContext({ origin }, () => request.call(this as RequestingClient, given))
    },
  })
}
