import type fc from 'fast-check'

/** A model that watches the real thing: model and reality are one object. */
interface Watching {
  /** Fails if an invariant does not hold. */
  check(): Promise<void>
}

/** How to make a step of a history of such models, after which all must hold; it is possible only if `possible` says so. */
export function stepsOf<M extends Watching>() {
  return function step(
    name: string,
    run: (model: M) => void | Promise<void>,
    possible: (model: M) => boolean = () => true,
  ): fc.AsyncCommand<M, M> {
    return {
      check: possible,
      run: async (model) => {
        await run(model)
        await model.check()
      },
      toString: () => name,
    }
  }
}

/** One of a list, by any number. */
export const chosen = <T>(list: readonly T[], index: number): T => list[index % list.length] as T
