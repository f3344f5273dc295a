import type { IncomingMessage } from 'node:http'
import type { DashboardRequest } from './options.js'

/** A request of `node:http`, and none of `fetch`. */
export function isNodeRequest(request: DashboardRequest): request is IncomingMessage {
  return 'socket' in request
}

/** A header, of either kind of request; undefined if it is absent. */
export function headerOf(request: DashboardRequest, name: string): string | undefined {
  if (!isNodeRequest(request)) return request.headers.get(name) ?? undefined
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The host, with its port, that the request was sent to. */
export function hostOf(request: DashboardRequest): string | undefined {
  const host = headerOf(request, 'host')
  if (host !== undefined) return host.toLowerCase()
  return isNodeRequest(request) ? undefined : new URL(request.url).host
}

/** The part of an address behind the question mark. */
export function queryOf({ url = '' }: { readonly url?: string | undefined }): URLSearchParams {
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1))
}
