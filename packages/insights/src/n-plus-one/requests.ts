import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Scope } from '@connmgr/core/driver'

/** A request or unit of work; each set of insights keeps what it knows of one by itself. */
export type Request = object

/** The request that the running flow belongs to. Shared by all insights of the process. */
const requests = new Scope<Request>()

/** Told by Node's own HTTP server for each request, before its listeners run. */
const STARTED = 'http.server.request.start'

interface Started {
  readonly response?: { once(event: 'close', listener: () => void): unknown }
}

let watchers = 0

export function currentRequest(): Request | undefined {
  return requests.current
}

/** Runs `work` as a request of its own. */
export function runAsRequest<T>(work: () => T): T {
  return requests.run({}, work)
}

/** Has every request of an HTTP server of this process be one, until the returned function is called. */
export function watchHttpRequests(): () => void {
  watchers += 1
  if (watchers === 1) subscribe(channel(STARTED).name, onRequest)
  let watching = true
  return () => {
    if (!watching) return
    watching = false
    watchers -= 1
    if (watchers === 0) unsubscribe(channel(STARTED).name, onRequest)
  }
}

function onRequest(message: unknown): void {
  const end = requests.enter({})
  // What a request leaves behind is not part of it.
  ;(message as Started).response?.once('close', end)
}
