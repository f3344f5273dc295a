import { EventEmitter } from './events/emitter.js'
import { QueryObservers } from './events/query-observer.js'
import { QueryTracer } from './events/query-tracer.js'
import { LeaseObservers } from './pool/lease-observers.js'
import { nextManagerId } from './process/managers.js'
import { type ReportSql, SqlReports, withoutQuoted } from './secrets/sql-reports.js'
import type { Clock } from './time/clock.js'
import { Deadlines } from './time/deadlines.js'
import { DemandMeter } from './time/demand-meter.js'
import type { StallMonitor } from './time/stall.js'

export interface RuntimeOptions {
  readonly name: string
  readonly clock: Clock
  readonly reportSql: ReportSql
}

/** What a runtime has of the driver. */
export interface RuntimeDriver {
  /** As messages name the database. */
  readonly name: string
  readonly statements?: { fingerprint(sql: string): string } | undefined
}

/** What all parts of one manager run on: its name, its time and chance, its events, and how these show SQL. */
export class Runtime {
  /** Tells the managers of the process apart, also those of one name. */
  readonly id = nextManagerId()
  /** The manager's name, which every event carries. */
  readonly name: string
  /** The time, and what is random. */
  readonly clock: Clock
  /** Time in which the process stood still. */
  readonly stall: StallMonitor
  /** For what a caller waits for, which keeps the process running. */
  readonly deadlines: Deadlines
  /** For what the manager does by itself, which keeps no process running. */
  readonly background: Deadlines
  readonly events: EventEmitter
  /** Connections in use, and callers who wait for one, wherever they stand. */
  readonly demand: DemandMeter
  /** Those callers alone. */
  readonly unmetDemand: DemandMeter
  readonly sql: SqlReports
  readonly queryObservers: QueryObservers
  readonly leaseObservers: LeaseObservers
  /** Publishes statements to who subscribes to them. */
  readonly queries: QueryTracer

  constructor(
    { clock, name, reportSql }: RuntimeOptions,
    stall: StallMonitor,
    driver: RuntimeDriver = { name: 'database' },
  ) {
    this.name = name
    this.clock = clock
    this.demand = new DemandMeter(clock.now())
    this.unmetDemand = new DemandMeter(clock.now())
    this.stall = stall
    this.deadlines = new Deadlines(clock, stall)
    this.background = new Deadlines(clock, stall, false)
    this.events = new EventEmitter(
      this,
      clock,
      reportSql === 'text' ? undefined : (event) => withoutQuoted(event),
    )
    this.sql = new SqlReports(reportSql, driver.statements?.fingerprint.bind(driver.statements))
    this.queryObservers = new QueryObservers(this)
    this.leaseObservers = new LeaseObservers(this)
    this.queries = new QueryTracer({
      id: this.id,
      name,
      database: driver.name,
      clock,
      sql: this.sql,
      observers: this.queryObservers,
    })
  }
}
