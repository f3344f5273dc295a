import type { HealthHandler } from '../src/index.js'

/** A body as a client gets it. */
export interface Body {
  readonly status: string
  readonly output?: string
  readonly notes?: readonly string[]
  readonly checks?: Record<string, readonly Record<string, unknown>[]>
}

/** What a handler answers to a GET, as a status and a body. */
export function ask(handler: HealthHandler, headers: Record<string, string> = {}): [number, Body] {
  const { body, status } = handler.answer({
    method: 'GET',
    header: (name) => headers[name.toLowerCase()],
  })
  return [status, JSON.parse(body) as Body]
}

/** The status of an answer, and what it says of the readiness of a manager. */
export function readinessOf(handler: HealthHandler, name: string): [number, string, unknown] {
  const [status, body] = ask(handler)
  return [status, body.status, body.checks?.[`${name}:readiness`]?.[0]?.observedValue]
}
