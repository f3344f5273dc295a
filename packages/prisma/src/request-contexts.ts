import { AsyncLocalStorage } from 'node:async_hooks'
import type { Watching } from './named-callers.js'

type Run = ReturnType<typeof AsyncLocalStorage.snapshot>

/** What in Prisma collects requests for a moment, and how it runs them. */
interface Loader {
  request(request: object): Promise<unknown>
  readonly options: {
    singleLoader(request: object): Promise<unknown>
    batchLoader(requests: readonly object[]): Promise<unknown>
  }
}

/**
 * Has each request run in the asynchronous flow that it was begun in, for observers of the manager's statements. Prisma
 * runs all that it has collected in one tick, of several callers, in the flow of the first of them. Those that it makes
 * one statement or one transaction of run in the flow of the first of these.
 */
export function keepContexts(client: object, watching: Watching): void {
  const { _requestHandler: handler } = client as {
    _requestHandler?: { readonly dataloader?: Partial<Loader> }
  }
  const loader = handler?.dataloader
  if (!isLoader(loader)) return
  const { options, request } = loader
  const { batchLoader, singleLoader } = options
  const flows = new WeakMap<object, Run>()
  const inFlowOf = <T>(first: object | undefined, run: () => T): T => {
    const flow = first === undefined ? undefined : flows.get(first)
    return flow === undefined ? run() : (flow(run) as T)
  }
  loader.request = (given) => {
    if (watching()) flows.set(given, AsyncLocalStorage.snapshot())
    return request.call(loader, given)
  }
  options.singleLoader = (given) => inFlowOf(given, () => singleLoader.call(options, given))
  options.batchLoader = (all) => inFlowOf(all[0], () => batchLoader.call(options, all))
}

function isLoader(loader: Partial<Loader> | undefined): loader is Loader {
  const { options, request } = loader ?? {}
  return [request, options?.batchLoader, options?.singleLoader].every(
    (each) => typeof each === 'function',
  )
}
