import { InvalidOptionError, redactText } from '@connmgr/core'
import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import type { Details, ManagerReport } from '@connmgr/health'
import { Inject, Injectable } from '@nestjs/common'
import { ModuleRef } from '@nestjs/core'
import type { ManagerHolder } from './manager-holder.js'
import { type HealthSession, sessionFor } from './terminus.js'
import { DEFAULT_NAME, holderToken } from './tokens.js'

const DETAILS: readonly Details[] = ['none', 'summary', 'full']

/** What `check` is asked for. */
export interface HealthCheckOptions {
  /** The name of the manager. `@default` the one without a name */
  readonly manager?: string
  /** How much the result tells; hosts are in `full` alone. `@default` 'summary' */
  readonly details?: Details
}

/**
 * What Terminus makes a response of. The status may also be `degraded` where Terminus knows that, which the types of older
 * versions do not allow.
 */
export type ConnmgrHealthResult<K extends string = string> = Record<
  K,
  { readonly status: 'up' | 'down' } & Readonly<Record<string, unknown>>
>

/**
 * A health indicator for `@nestjs/terminus`. It reports what monitoring knows and borrows no connection. An outage is
 * `down` once it has lasted for `health.graceMs`, or as soon as the application shuts down; what is degraded is `degraded`
 * where Terminus knows that (from 12.1 on), else `up`, with the reason.
 *
 * @example
 * @Get('readyz')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.database.check('database')])
 * }
 */
@Injectable()
export class ConnmgrHealthIndicator {
  readonly #modules: ModuleRef

  /** @internal Nest makes it. */
  constructor(@Inject(ModuleRef) modules: ModuleRef) {
    this.#modules = modules
  }

  /**
   * @param key the name of the result in the response
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  async check<const K extends string>(
    key: K,
    options: HealthCheckOptions = {},
  ): Promise<ConnmgrHealthResult<K>> {
    rejectUnknownOptions(options, ['manager', 'details'], 'the options of check')
    const { details = 'summary', manager = DEFAULT_NAME } = options
    if (!DETAILS.includes(details))
      throw invalidOption(
        'details',
        details,
        `one of ${DETAILS.map((each) => `'${each}'`).join(', ')}`,
      )
    const { health } = this.#holder(manager)
    const { draining, managers } = health.check()
    const session = await sessionFor(this.#modules, key)
    const result = resultOf(session, managers[0] as ManagerReport, draining, details)
    return result as ConnmgrHealthResult<K>
  }

  #holder(name: string): ManagerHolder {
    try {
      return this.#modules.get<ManagerHolder>(holderToken(name), { strict: false })
    } catch (error) {
      throw Object.assign(
        new InvalidOptionError(
          'manager',
          `option "manager" must be the name of a ConnmgrModule, but none is called ${JSON.stringify(name)}`,
        ),
        { cause: error },
      )
    }
  }
}

function resultOf(
  session: HealthSession,
  { findings, outcome, status }: ManagerReport,
  draining: boolean,
  details: Details,
): object {
  const { checkedIn, checkedOut, limit, waiting } = status.poolMetrics
  const texts = findings.map(({ detail, message }) =>
    details === 'full' && detail !== undefined ? `${message}: ${redactText(detail)}` : message,
  )
  if (draining) texts.unshift('the application is shutting down')
  const data: Record<string, unknown> =
    details === 'none'
      ? {}
      : {
          ...(texts.length === 0 ? {} : { message: texts.join('; ') }),
          inUse: checkedOut,
          idle: checkedIn,
          waiting,
          limit,
        }
  if (details === 'full')
    data.servers = status.failoverStats.endpoints.map(({ active, id, lagMs, role, state }) => ({
      id,
      state,
      role,
      active,
      ...(lagMs === undefined ? {} : { lagMs: Math.round(lagMs) }),
    }))
  if (draining || outcome === 'fail') return session.down(data)
  if (outcome === 'warn' && session.degraded !== undefined) return session.degraded(data)
  return session.up(data)
}
