import type { ClientInternals } from '../client-internals.js'
import { leadingHere } from '../leading-here.js'

type AnyQuery = (...args: unknown[]) => unknown
type Callback = (error: unknown, result?: unknown) => void

/**
 * Sends a query, with a callback in place of the promise that node-postgres would make. For that it sets a function on the
 * query which V8 makes in old memory (see `LeasedClient`): the query and all its rows would then outlive their use until old
 * memory is collected, and moving them there takes longer than all that a connection costs.
 *
 * Only for a text: to what describes a query node-postgres would add the callback.
 */
export function sendAwaited(
  query: AnyQuery,
  client: Pick<ClientInternals, '_Promise'>,
  args: unknown[],
): unknown {
  const [text, values, callback] = args
  if (typeof text !== 'string' || typeof values === 'function' || callback)
    return query.apply(client, args)
  let settle: Callback | undefined
  const answer = new (client._Promise ?? Promise)((resolve) => {
    settle = settling(resolve)
  })
  query.call(client, text, values, settle)
  return answer
}

function settling(resolve: (answer: unknown) => void): Callback {
  return (error, result) => resolve(error ? leadingHere(error) : result)
}
