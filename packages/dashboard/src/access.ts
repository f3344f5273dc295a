import type { IncomingMessage } from 'node:http'
import type { DashboardOptions, DashboardRequest } from './options.js'

/** Names by which a browser on this machine may have asked. Others may be names of an attacker that lead here. */
const OWN_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
/** A proxy on this machine passes on the requests of others. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const

/** Whether a request may see the page. A function of the user's that fails refuses. */
export async function mayPass(
  request: DashboardRequest,
  authorize: DashboardOptions['authorize'],
): Promise<boolean> {
  if (authorize === undefined) return isLocal(request)
  try {
    return (await authorize(request)) === true
  } catch {
    return false
  }
}

/** Whether a browser on this machine asks for itself. What `fetch` handlers get does not tell, so they need `authorize`. */
function isLocal(request: DashboardRequest): boolean {
  if (!isNodeRequest(request)) return false
  const { headers, socket } = request
  if (!LOOPBACK.test(socket.remoteAddress ?? '')) return false
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false
  return OWN_NAMES.has(hostNameOf(headers.host ?? ''))
}

function isNodeRequest(request: DashboardRequest): request is IncomingMessage {
  return 'socket' in request
}

function hostNameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase()
}
