/** What a request asks for. */
interface Call {
  /** The customer of the session. */
  readonly customer: number
  /** A number that stands for whatever the request is about. */
  readonly n: number
}

/** One endpoint: what it does, and gives. */
export interface Endpoint {
  readonly path: string
  /** How often it is asked for, beside others. */
  readonly weight: number
  readonly handle: (call: Call) => Promise<unknown>
}

/** The endpoints of one ORM. */
export interface Endpoints {
  readonly list: readonly Endpoint[]
  close(): Promise<unknown>
}

/** A number from 1 to `most` that follows from another, spread over all of them. */
export function spread(n: number, most: number): number {
  return ((n * 7919) % most) + 1
}

/** So many different numbers of that kind, smallest first, as locks are taken in one order. */
export function several(n: number, count: number, most: number): number[] {
  const numbers = Array.from({ length: count }, (_each, at) => spread(count * n + at, most))
  return [...new Set(numbers)].sort((a, b) => a - b)
}
