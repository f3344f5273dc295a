/** Keeps a transaction open until the returned function is called. */
export async function leakIn(
  transaction: (work: () => Promise<void>) => Promise<void>,
): Promise<() => Promise<void>> {
  let end = (): void => {}
  let done: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    done = transaction(async () => {
      resolve()
      await new Promise<void>((stop) => {
        end = stop
      })
    })
    done.catch(reject)
  })
  return () => {
    end()
    return done
  }
}
