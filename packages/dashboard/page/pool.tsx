import type { JSX } from 'preact'
import type { ManagerView } from '../src/view'
import { percent, time } from './format'
import type { Moment } from './live'
import { PoolChart } from './pool-chart'

/** The pool now, and since the page was opened. */
export function Pool({
  manager: { counts, pool, settings, times },
  moments,
}: {
  readonly manager: ManagerView
  readonly moments: readonly Moment[]
}): JSX.Element {
  return (
    <section class="card">
      <h3>Pool</h3>
      <meter
        aria-label="Connections in use"
        min={0}
        max={pool.limit}
        high={pool.limit * 0.8}
        value={pool.checkedOut}
      />
      <dl class="figures">
        <Figure name="in use" value={pool.checkedOut} />
        <Figure name="idle" value={pool.checkedIn} />
        <Figure name="waiting" value={pool.waiting} bad={pool.waiting > 0} />
        <Figure name="connecting" value={counts.connecting} />
        <Figure name="limit" value={pool.limit} />
        <Figure name="utilization" value={percent(pool.utilization)} />
      </dl>
      <PoolChart moments={moments} />
      <dl class="figures small">
        <Figure name="acquires" value={pool.totalCheckouts} />
        <Figure name="failed" value={pool.failedCheckouts} bad={pool.failedCheckouts > 0} />
        <Figure name="leaks" value={pool.leakedConnections} bad={pool.activeLeaks > 0} />
        <Figure name="wait p50" value={time(times.waitP50Ms)} />
        <Figure name="wait p99" value={time(times.waitP99Ms)} />
        <Figure name="held p50" value={time(times.useP50Ms)} />
        <Figure name="held p99" value={time(times.useP99Ms)} />
        <Figure name="connect p99" value={time(times.createP99Ms)} />
        <Figure name="demand p99" value={times.demandP99 ?? '–'} />
      </dl>
      <details>
        <summary>Settings in force</summary>
        <dl class="settings">
          {Object.entries(settings).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  )
}

function Figure({
  bad = false,
  name,
  value,
}: {
  readonly name: string
  readonly value: number | string
  readonly bad?: boolean
}): JSX.Element {
  return (
    <div class={bad ? 'bad' : undefined}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
