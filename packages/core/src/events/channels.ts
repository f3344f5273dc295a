import diagnostics from 'node:diagnostics_channel'
import type { Endpoint } from '../driver/contract.js'
import type { ConnmgrEvent, ConnmgrEventType } from './events.js'
import type { QueryContext } from './query-context.js'

/** What every message of our diagnostics channels says about the server; never a URL. */
export interface ChannelContext {
  readonly serverAddress: string | undefined
  readonly serverPort: number | undefined
  readonly database: string | undefined
  /** The manager's name. */
  readonly poolName?: string
  /** The manager's id in {@link connectionManagers}: names need not differ. */
  readonly manager?: number
}

/** What messages of `connmgr:pool:acquire` say more once there is a lease. */
export interface AcquireContext extends ChannelContext {
  /** `Lease.id`, as statements and the release of the lease carry it too. */
  lease?: number
  connectionId?: number
  /** `host:port/database`. */
  endpoint?: string
}

/** `tracing:connmgr:pool:acquire:start` and so on, see `diagnostics_channel.tracingChannel`. */
export const acquireChannel = diagnostics.tracingChannel<string, object>('connmgr:pool:acquire')
export const connectionCreateChannel = diagnostics.tracingChannel<string, object>(
  'connmgr:connection:create',
)
export const healthCheckChannel = diagnostics.tracingChannel<string, object>('connmgr:health:check')
export const failoverChannel = diagnostics.tracingChannel<string, object>('connmgr:failover')
/** `tracing:connmgr:query:start` and so on, see `diagnostics_channel.tracingChannel`. */
export const queryChannel = diagnostics.tracingChannel<string, QueryContext>('connmgr:query')

/** Events that are also published as messages of their own. */
export const POINT_CHANNELS: Partial<Record<ConnmgrEventType, diagnostics.Channel>> = {
  connectionReleased: diagnostics.channel('connmgr:pool:release'),
  poolClosed: diagnostics.channel('connmgr:pool:close'),
  connectionClosed: diagnostics.channel('connmgr:connection:destroy'),
  leakDetected: diagnostics.channel('connmgr:leak:detected'),
  leakResolved: diagnostics.channel('connmgr:leak:resolved'),
}

type Tracing = typeof acquireChannel

/** Whether anybody subscribes to any part of a tracing channel. */
export function isTraced(channel: Tracing): boolean {
  return (
    channel.start.hasSubscribers ||
    channel.end.hasSubscribers ||
    channel.asyncStart.hasSubscribers ||
    channel.asyncEnd.hasSubscribers ||
    channel.error.hasSubscribers
  )
}

interface About {
  readonly endpoint: Endpoint | undefined
  readonly poolName?: string
  readonly manager?: number
}

/** Runs `work`, traced if there is a subscriber. */
export function traced<T>(channel: Tracing, about: About, work: () => Promise<T>): Promise<T> {
  return isTraced(channel) ? channel.tracePromise(work, contextOf(about)) : work()
}

export function contextOf({ endpoint, manager, poolName }: About): ChannelContext {
  return {
    serverAddress: endpoint?.host,
    serverPort: endpoint?.port,
    database: endpoint?.database,
    ...(poolName === undefined ? {} : { poolName }),
    ...(manager === undefined ? {} : { manager }),
  }
}

/** What a channel carries of an event: the event, and whose it is. A release carries its lease as an acquire does. */
export function messageOf(event: ConnmgrEvent, manager: number): object {
  return event.type === 'connectionReleased'
    ? { ...event, manager, lease: event.leaseId }
    : { ...event, manager }
}
