import { invalidOption } from '@connmgr/core/driver'
import { readinessBody, startupBody } from './body.js'
import { createHandler, type HealthHandler } from './http/handler.js'
import type { HealthRequest } from './http/request.js'
import {
  type Details,
  type HealthOptions,
  isDetails,
  type Managers,
  resolveManagers,
  resolveOptions,
} from './options.js'
import { ManagerWatch } from './watch/manager-watch.js'
import type { HealthReport } from './watch/report.js'

/** The handlers of one process. */
export interface HealthHandlers {
  /** 200 as long as the process answers. Asks nothing of any manager, so that an outage restarts no instance. */
  readonly live: HealthHandler
  /** 200 while the process is to get requests, else 503. Reads what monitoring knows and borrows no connection. */
  readonly ready: HealthHandler
  /** 503 until every manager could serve for the first time, and 200 from then on. */
  readonly startup: HealthHandler
  /** True from the call of `shutdown` on. */
  readonly draining: boolean
  /** How everything is, as data: for routes of your own. */
  check(): HealthReport
  /**
   * Makes readiness 503 at once; liveness stays 200. Resolves after `delayMs`, in which balancers learn of it and go on
   * sending requests. Close the HTTP server then, and the managers after it.
   *
   * @param options.delayMs in milliseconds; `@default` 0
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  shutdown(options?: { readonly delayMs?: number }): Promise<void>
}

const LONGEST_DELAY_MS = 2 ** 31 - 1

/**
 * Makes handlers for the liveness, readiness and startup probes of a process that uses one or several managers. Make them
 * once: they follow the managers from then on.
 *
 * @param managers one, or several, all of which must be ready except those that are `optional`
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const health = healthHandlers(manager)
 * app.get('/livez', health.live)
 * app.get('/readyz', health.ready)
 * app.get('/startupz', health.startup)
 */
export function healthHandlers(managers: Managers, options: HealthOptions = {}): HealthHandlers {
  const resolved = resolveOptions(options)
  const watches = resolveManagers(managers).map((each) => new ManagerWatch(each, resolved))
  let draining = false
  let warned = false

  return {
    live: createHandler(() => ({ status: 200, body: { status: 'pass' } })),
    ready: createHandler((request) => {
      const report = check()
      return { status: report.ready ? 200 : 503, body: readinessBody(report, detailsFor(request)) }
    }),
    startup: createHandler((request) => {
      const report = check()
      return { status: report.started ? 200 : 503, body: startupBody(report, detailsFor(request)) }
    }),
    get draining() {
      return draining
    },
    check,
    async shutdown({ delayMs = 0 } = {}) {
      if (typeof delayMs !== 'number' || !(delayMs >= 0 && delayMs <= LONGEST_DELAY_MS))
        throw invalidOption('delayMs', delayMs, `a number from 0 to ${LONGEST_DELAY_MS}`)
      draining = true
      if (delayMs === 0) return
      await new Promise<void>((resolve) => {
        resolved.clock.setTimeout(resolve, delayMs, true)
      })
    },
  }

  function check(): HealthReport {
    const reports = watches.map((each) => each.report)
    const required = reports.filter((each) => !each.optional)
    // Probes may be all that a manager gets to do before the process is ready.
    if (!draining) for (const each of watches) each.connectIfUnmonitored()
    return {
      ready: !draining && required.every((each) => each.ready),
      started: required.every((each) => each.started),
      draining,
      managers: reports,
    }
  }

  /** A function that fails shows the least, and the answer stays what it is. */
  function detailsFor(request: HealthRequest): Details {
    let problem: unknown
    try {
      const details: unknown = resolved.details(request)
      if (isDetails(details)) return details
      problem = invalidOption(
        'details',
        details,
        "a function that returns 'none', 'summary' or 'full'",
      )
    } catch (error) {
      problem = error
    }
    if (!warned) {
      warned = true
      const name = problem instanceof Error ? problem.name : typeof problem
      process.emitWarning(`the option "details" of healthHandlers has failed: ${name}`, {
        code: 'CONNMGR_HEALTH_DETAILS',
        detail: problem instanceof Error ? (problem.stack ?? problem.message) : String(problem),
      })
    }
    return 'none'
  }
}
