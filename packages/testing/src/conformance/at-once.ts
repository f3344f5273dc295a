/** Callers of a test that has many work at the same time. */
export const CALLERS_AT_ONCE = 50

/** Thrown by work that is to be rolled back. */
export class UndoneError extends Error {
  constructor() {
    super('undone')
  }
}

/** Has 50 callers work at the same time, each known by a number. Resolves with all failures but {@link UndoneError}. */
export async function allAtOnce(call: (number: number) => Promise<unknown>): Promise<unknown[]> {
  const failures: unknown[] = []
  await Promise.all(
    Array.from({ length: CALLERS_AT_ONCE }, (_, number) =>
      call(number).catch((error: unknown) => {
        if (!(error instanceof UndoneError)) failures.push(error)
      }),
    ),
  )
  return failures
}
