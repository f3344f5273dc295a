import type { DashboardPurpose } from './actions/action.js'
import type { DashboardOptions, DashboardRequest } from './options.js'
import { headerOf, isNodeRequest } from './request.js'

/** Someone who was let in. */
export interface Visitor {
  /** Undefined if `authorize` does not say. */
  readonly name: string | undefined
}

/** Names by which a browser on this machine may have asked. Others may be names of an attacker that lead here. */
const OWN_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
/** A proxy on this machine passes on the requests of others. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const
const LOCAL_VISITOR: Visitor = { name: 'a browser on this machine' }
const LONGEST_NAME = 100
/** Names stand in logs, on one line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

/** Who makes a request; undefined if they may not. A function of the user's that fails refuses. */
export async function admit(
  request: DashboardRequest,
  purpose: DashboardPurpose,
  authorize: DashboardOptions['authorize'],
): Promise<Visitor | undefined> {
  if (authorize === undefined) return isLocal(request) ? LOCAL_VISITOR : undefined
  try {
    return visitorOf(await authorize(request, purpose))
  } catch {
    return undefined
  }
}

/** Only `true`, or a name, lets anyone in: what else a function may return by mistake does not. */
function visitorOf(decision: unknown): Visitor | undefined {
  if (decision === true) return { name: undefined }
  if (typeof decision !== 'object' || decision === null) return undefined
  const { name } = decision as { readonly name?: unknown }
  if (typeof name !== 'string') return undefined
  const shown = name.replace(CONTROLS, ' ').trim().slice(0, LONGEST_NAME)
  return shown === '' ? undefined : { name: shown }
}

/** Whether a browser on this machine asks for itself. What `fetch` handlers get does not tell, so they need `authorize`. */
function isLocal(request: DashboardRequest): boolean {
  if (!isNodeRequest(request)) return false
  if (!LOOPBACK.test(request.socket.remoteAddress ?? '')) return false
  if (FORWARDED.some((name) => headerOf(request, name) !== undefined)) return false
  return OWN_NAMES.has(hostNameOf(headerOf(request, 'host') ?? ''))
}

function hostNameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase()
}
