import { CommitOutcomeUnknownError, ConnectionLostError, isError } from '@connmgr/core'
import { classify } from '@connmgr/pg'
import type { PrismaPg } from '@prisma/adapter-pg'

export type SqlAdapter = Awaited<ReturnType<PrismaPg['connect']>>
type Transaction = Awaited<ReturnType<SqlAdapter['startTransaction']>>

/** What PrismaPg makes of an error of node-postgres that has a code. */
interface DriverAdapterError {
  readonly cause?: { readonly kind?: string; readonly originalCode?: string }
}

/** The kinds that PrismaPg gives to errors of the socket, whose own code it drops. */
const SOCKET_KINDS: ReadonlySet<string | undefined> = new Set([
  'ConnectionClosed',
  'DatabaseNotReachable',
  'SocketTimeout',
])

/**
 * Has a COMMIT whose answer never came fail as one whose outcome is unknown. Prisma passes such an error on as any
 * other, and whoever takes it for a failure and repeats the transaction may have it done twice.
 */
export function makeCommitsSound(adapter: SqlAdapter): void {
  const startTransaction = adapter.startTransaction.bind(adapter)
  adapter.startTransaction = async (isolationLevel) => {
    const transaction = await startTransaction(isolationLevel)
    const executeRaw = transaction.executeRaw.bind(transaction)
    transaction.executeRaw = (query) =>
      // Prisma sends COMMIT as a statement; the transaction's own `commit()` only gives the client back.
      query.sql === 'COMMIT' ? commit(() => executeRaw(query)) : executeRaw(query)
    return transaction
  }
}

async function commit(
  send: () => ReturnType<Transaction['executeRaw']>,
): ReturnType<Transaction['executeRaw']> {
  try {
    return await send()
  } catch (error) {
    if (wasNotSent(error))
      throw new ConnectionLostError(
        'the connection was lost before COMMIT was sent, so nothing was committed',
        error,
      )
    if (isLost(error)) throw new CommitOutcomeUnknownError(error)
    throw error
  }
}

/** node-postgres had noticed the loss before: `Client has encountered a connection error and is not queryable`. */
function wasNotSent(error: unknown): boolean {
  return isError(error) && error.message.endsWith('is not queryable')
}

/** Lost, or ended by the server, while waiting for the answer: it may have been committed all the same. */
function isLost(error: unknown): boolean {
  const { cause } = error as DriverAdapterError
  if (SOCKET_KINDS.has(cause?.kind)) return true
  const code = cause?.originalCode
  const kind = classify(code === undefined ? error : Object.assign(new Error(), { code }))
  return kind === 'lost' || kind === 'shutdown' || kind === 'unreachable'
}
