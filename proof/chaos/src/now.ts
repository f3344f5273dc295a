/** Milliseconds on a monotonic scale that all processes of this machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
