import type { Work } from '../load.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'

/** How callers work on a manager; undefined as they do by default. */
type Working<M> = ((manager: M) => Work) | undefined

/**
 * Provokes a fault twice: with callers as they are, and with transactions that may be run again, of which none may fail.
 *
 * @param replayed has the callers work in transactions that may be run again
 */
export async function alsoReplayed<C extends RoundContext, M>(
  context: C,
  provoke: (context: C, work?: Working<M>) => Promise<Measurements>,
  replayed: (manager: M) => Work,
): Promise<Measurements> {
  const measured = await provoke(context)
  context.step('the same with transactions that may be run again')
  const again = await provoke(context, replayed)
  context.expect(again.failed === 0, `${again.failed} transactions failed that may be run again`)
  for (const count of ['lost', 'duplicated'])
    context.expect(again[count] === 0, `${count} is ${again[count]} with replay`)
  return {
    ...measured,
    replayedFailed: again.failed ?? Number.NaN,
    replayedUnknown: again.unknown ?? Number.NaN,
  }
}
