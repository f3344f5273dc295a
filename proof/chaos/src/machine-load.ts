import { availableParallelism, loadavg } from 'node:os'

/** How much there was to do on this machine, without which measured times say little. */
export function loadLine(): string {
  const [ofMinute = 0, , ofQuarter = 0] = loadavg()
  return (
    `${availableParallelism()} cores; processes that wanted to run: ${ofMinute.toFixed(1)} in the last minute, ` +
    `${ofQuarter.toFixed(1)} in the last quarter of an hour`
  )
}
