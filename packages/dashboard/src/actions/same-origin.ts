import type { DashboardRequest } from '../options.js'
import { headerOf, hostOf } from '../request.js'
import { ACTION_HEADER } from './action.js'

/**
 * Why a request that changes something is not taken, if a page of another origin may have sent it in the name of a visitor;
 * undefined if none can have. Browsers say where a request comes from; programs that are no browser, such as curl, need the
 * header alone.
 */
export function refusalOfOrigin(request: DashboardRequest): string | undefined {
  if (headerOf(request, ACTION_HEADER) !== 'action')
    return `The request lacks the header "${ACTION_HEADER}: action", by which the page says that it asks itself.`
  const site = headerOf(request, 'sec-fetch-site')
  if (site !== undefined)
    return site === 'same-origin' ? undefined : 'The request comes from a page of another origin.'
  const origin = headerOf(request, 'origin')
  if (origin === undefined || hostIn(origin) === hostOf(request)) return undefined
  return 'The request comes from a page of another origin. Behind a proxy, have it pass on the header Host.'
}

/** Undefined for what names no host, as `null` does. */
function hostIn(origin: string): string | undefined {
  try {
    return new URL(origin).host || undefined
  } catch {
    return undefined
  }
}
