/**
 * Begins a transaction that waits for something else, as code does that calls a service in the middle of one.
 *
 * @param begin runs a transaction whose work first calls `begun`, and then awaits what that returns
 * @returns what ends it
 */
export async function forgetTransaction(
  begin: (begun: () => Promise<void>) => Promise<void>,
): Promise<() => Promise<void>> {
  let letGo = (): void => {}
  const stuck = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let running: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    running = begin(() => {
      resolve()
      return stuck
    })
    running.catch(reject)
  })
  return () => {
    letGo()
    return running
  }
}
