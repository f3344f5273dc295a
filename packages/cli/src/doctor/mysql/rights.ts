/** Servers of MySQL and MariaDB: rights of all databases, of a table, of a database. */
const DENIED = new Set([1227, 1142, 1044])

/**
 * What `ask` resolves with. If the server refuses for want of a right, the error says which, and how to grant it.
 *
 * @param account as `current_user()` has it: `app@%`
 */
export async function withRights<T>(account: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { errno, message } = error as { readonly errno?: unknown; readonly message?: unknown }
    if (typeof errno !== 'number' || !DENIED.has(errno)) throw error
    throw new Error(lacks(account, neededBy(String(message))), { cause: error })
  }
}

/** That an account lacks a right, and how it gets it. */
export function lacks(account: string, { on, right }: NeededRight): string {
  return `the account ${account || 'in use'} lacks the right ${right}; grant it: grant ${right.toLowerCase()} on ${on} to ${quoted(account)}`
}

interface NeededRight {
  readonly right: string
  readonly on: string
}

export const PROCESS: NeededRight = { right: 'PROCESS', on: '*.*' }

/** By the server's message, which names rights any of which is enough: the last of them is the least. */
function neededBy(message: string): NeededRight {
  const global = /\(at least one of\) the (.+?) privilege/i.exec(message)?.[1]
  if (global !== undefined) return { right: global.split(/,\s*/).at(-1) as string, on: '*.*' }
  const table = /^(\w+) command denied .* for table (\S+)$/i.exec(message)
  const name = table?.[2]?.replaceAll("'", '')
  // MySQL leaves out which database a table is of. The tables of locks alone take a right of their own.
  return name?.includes('.') === true
    ? { right: table?.[1] as string, on: name }
    : { right: 'SELECT', on: 'performance_schema.*' }
}

/** An account as statements name it. @param account as `current_user()` has it */
export function quoted(account: string): string {
  const at = account.lastIndexOf('@')
  return at === -1 ? 'it' : `'${account.slice(0, at)}'@'${account.slice(at + 1)}'`
}
