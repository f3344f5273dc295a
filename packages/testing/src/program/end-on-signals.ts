/** What a program that starts servers does when it is to end early. */
export interface EarlyEnd {
  /** True once it is ending: what fails from then on fails because of that. */
  readonly ending: boolean
  /** Ends what the program has started, and then the process. */
  end(code: number): void
}

/**
 * Has a program end what it has started when it is interrupted, or when the reader of its output has gone, as `head` does.
 *
 * @param cleanUp ends what the program has started
 */
export function endOnSignals(
  cleanUp: () => Promise<unknown>,
  show: (line: string) => void,
): EarlyEnd {
  let ending = false
  const end = (code: number): void => {
    ending = true
    void cleanUp().finally(() => process.exit(code))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      show(`${signal}: stopping the servers`)
      end(signal === 'SIGINT' ? 130 : 143)
    })
  }
  for (const stream of [process.stdout, process.stderr]) stream.once('error', () => end(1))
  return {
    get ending() {
      return ending
    },
    end,
  }
}
