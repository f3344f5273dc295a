/** How much an alert matters: `critical` wakes people up, `warning` can wait for the morning. */
export type AlertSeverity = 'info' | 'warning' | 'critical'

/** Who holds a connection while an alert fires. Says where in the code and for how long, and no SQL. */
export interface DiagnosedHolder {
  readonly connectionId: number
  readonly endpoint: string
  /** `function (file:line:column)`; undefined if no stack was captured. */
  readonly at: string | undefined
  readonly label: string | undefined
  readonly heldForMs: number
  readonly queryCount: number
}

/** Code that holds connections while no statement of its runs. */
export interface DiagnosedHeldIdle {
  /** `function (file:line:column)`. */
  readonly at: string
  /** In all, since insights were switched on. */
  readonly heldIdleMs: number
  readonly leases: number
}

/** How the pool and its servers were when an alert was sent. */
export interface Diagnosis {
  readonly inUse: number
  readonly limit: number
  readonly waiting: number
  /** The five leases held longest. */
  readonly holders: readonly DiagnosedHolder[]
  /** The five places that hold idle connections most; empty without insights. */
  readonly heldIdle: readonly DiagnosedHeldIdle[]
  /** `STEADY`, `FAILING_OVER` and so on. */
  readonly clusterState: string
  readonly activeEndpoint: string | undefined
  /** The latest change of the writer, or attempt at one. */
  readonly lastFailover: { readonly at: Date; readonly text: string } | undefined
}

/** One alert, as sinks get it. Plain data. */
export interface Alert {
  /** The same as long as the labels are: 16 hexadecimal digits, and the fingerprint that Alertmanager computes. */
  readonly key: string
  readonly status: 'firing' | 'resolved'
  /** The name of its rule. */
  readonly rule: string
  readonly severity: AlertSeverity
  /** What identifies it: `alertname`, `severity`, `pool`, `instance`, and the labels of its rule. */
  readonly labels: Readonly<Record<string, string>>
  /** What it says: `summary`, and the diagnosis in words. */
  readonly annotations: Readonly<Record<string, string>>
  /** What the rule has measured, if it says. */
  readonly value: number | undefined
  /** When it began to fire. */
  readonly startsAt: Date
  /** When it was resolved; undefined while it fires. */
  readonly endsAt: Date | undefined
  readonly diagnosis: Diagnosis
}

/** What a sink gets with each delivery. */
export interface DeliveryContext {
  /** Fires when the time of the delivery is over: what it sends then may be sent again. */
  readonly signal: AbortSignal
  readonly now: Date
  /** After what time an alert that still fires is delivered again, at the latest; 0 for never. */
  readonly resendMs: number
}

/** Where alerts are delivered to. */
export interface AlertSink {
  /** Shown in `status()` and in warnings. */
  readonly name: string
  /**
   * Delivers alerts, each in its newest state. Rejects, or throws, if that failed: then they are delivered again, later and
   * later; unless the error is an {@link AlertRefusedError}.
   */
  readonly deliver: (alerts: readonly Alert[], context: DeliveryContext) => unknown
  /** Time that one delivery may take. `@default` 10_000 */
  readonly timeoutMs?: number
  /** Delivers an alert again and again while it fires. 0 for once. `@default` 0 */
  readonly resendMs?: number
  /** For how long `resendMs` holds for resolved alerts too. `@default` 0 */
  readonly resendResolvedForMs?: number
  /** Alerts in one delivery. `@default` 64 */
  readonly maxBatch?: number
  /** Chooses the alerts that this sink gets. `@default` all */
  readonly only?: (alert: Alert) => boolean
  /** `@default` true */
  readonly sendResolved?: boolean
}
