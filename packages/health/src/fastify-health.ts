import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import { type HealthHandlers, healthHandlers } from './health-handlers.js'
import type { HealthHandler } from './http/handler.js'
import { fromNode } from './http/request.js'
import type { HealthOptions, Managers } from './options.js'

/** Where the plugin answers. `false` leaves one out. */
export interface HealthPaths {
  /** `@default` '/livez' */
  readonly live?: string | false
  /** `@default` '/readyz' */
  readonly ready?: string | false
  /** `@default` '/startupz' */
  readonly startup?: string | false
}

type FastifyLogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

export interface FastifyHealthOptions extends HealthOptions {
  /** One manager or several, for handlers of the plugin's own. */
  readonly managers?: Managers
  /** Handlers that exist already: then `managers`, `graceMs` and `details` are theirs. */
  readonly handlers?: HealthHandlers
  readonly paths?: HealthPaths
  /** What Fastify logs of these requests, from which level on. `@default` 'warn', as probes come often */
  readonly logLevel?: FastifyLogLevel
  /** Fastify's own: comes before the paths. */
  readonly prefix?: string
}

/** What the plugin needs of Fastify. */
export interface FastifyLike {
  route(route: {
    method: ('GET' | 'HEAD')[]
    url: string
    logLevel?: FastifyLogLevel
    handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => unknown
  }): unknown
  addHook(name: 'preClose', hook: (done: () => void) => void): unknown
}

interface FastifyRequestLike {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

interface FastifyReplyLike {
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(body: Uint8Array): unknown
}

const PATHS = { live: '/livez', ready: '/readyz', startup: '/startupz' } as const
const OPTION_NAMES = [
  'managers',
  'handlers',
  'paths',
  'logLevel',
  'prefix',
  'graceMs',
  'details',
  'clock',
]

/**
 * The handlers as a plugin of Fastify 5. Readiness is 503 from the start of `app.close()` on. The managers stay yours to
 * close: in an `onClose` hook, which runs after the last request.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * app.register(fastifyHealth, { managers: manager })
 */
export async function fastifyHealth(
  app: FastifyLike,
  options: FastifyHealthOptions,
): Promise<void> {
  const handlers = handlersOf(options)
  const { logLevel = 'warn', paths = {} } = options
  rejectUnknownOptions(paths, Object.keys(PATHS), 'paths')
  for (const kind of ['live', 'ready', 'startup'] as const) {
    const url = paths[kind] ?? PATHS[kind]
    if (url === false) continue
    if (typeof url !== 'string' || !url.startsWith('/'))
      throw invalidOption(`paths.${kind}`, url, 'a path that begins with "/", or false')
    app.route({ method: ['GET', 'HEAD'], url, logLevel, handler: handlerOf(handlers[kind]) })
  }
  app.addHook('preClose', (done) => {
    void handlers.shutdown()
    done()
  })
}

function handlersOf(options: FastifyHealthOptions): HealthHandlers {
  rejectUnknownOptions(options, OPTION_NAMES, 'the options of fastifyHealth')
  const { handlers, managers, details, graceMs, clock } = options
  const own = { details, graceMs, clock }
  if (handlers === undefined) {
    if (managers === undefined)
      throw invalidOption('managers', managers, 'a manager or several, unless there are "handlers"')
    return healthHandlers(managers, own)
  }
  if (managers !== undefined || Object.values(own).some((each) => each !== undefined))
    throw invalidOption(
      'handlers',
      handlers,
      'given without options of handlers, which have their own',
    )
  return handlers
}

function handlerOf(handler: HealthHandler) {
  return (request: FastifyRequestLike, reply: FastifyReplyLike): unknown => {
    const { body, headers, status } = handler.answer(fromNode(request))
    reply.code(status)
    reply.headers(headers)
    // Of a text Fastify would name the charset, which this type has none of.
    return reply.send(Buffer.from(body))
  }
}
