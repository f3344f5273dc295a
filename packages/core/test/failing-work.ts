import { FakeError } from '@connmgr/testing'

/** Work that fails with each of these in turn, and then succeeds. */
export function failing(...errors: unknown[]) {
  const attempts: number[] = []
  const work = async (attempt: number): Promise<string> => {
    attempts.push(attempt)
    if (errors.length > 0) throw errors.shift()
    return 'done'
  }
  return { attempts, work, inTransaction: (_c: unknown, _l: unknown, n: number) => work(n) }
}

export const refused = () => new FakeError('read-only', 'no primary')
export const conflict = () => new FakeError('serialization', 'conflict')
