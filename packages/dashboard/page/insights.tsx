import type { JSX } from 'preact'
import type { InsightsView } from '../src/view'
import { percent, place, time } from './format'
import { TableCard } from './table'

interface Shown {
  readonly insights: InsightsView | undefined
  readonly directory: string
}

/** What insights tell of the statements; how to get them where there are none. */
export function Insights({ directory, insights }: Shown): JSX.Element {
  if (insights === undefined)
    return (
      <section class="card wide">
        <h3>Statements</h3>
        <p class="empty">
          Not watched. Pass <code>insights: insights(manager)</code> of @connmgr/insights to see
          which line of code is slow, waits, repeats itself or blocks others.
        </p>
      </section>
    )
  return (
    <>
      <Recommendations {...{ insights, directory }} />
      <Statements {...{ insights, directory }} />
      <NPlusOne {...{ insights, directory }} />
      <HeldIdle {...{ insights, directory }} />
      <Blocking {...{ insights, directory }} />
      <Slow {...{ insights, directory }} />
    </>
  )
}

interface Watched {
  readonly insights: InsightsView
  readonly directory: string
}

function Recommendations({
  directory,
  insights: { recommendations },
}: Watched): JSX.Element | null {
  if (recommendations.length === 0) return null
  return (
    <section class="card wide">
      <h3>What to do</h3>
      <ul class="advice">
        {recommendations.map(({ fix, severity, title }) => (
          <li key={title} class={severity === 'critical' ? 'bad' : severity}>
            <strong>{place(title, directory)}</strong> {place(fix, directory)}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Statements({ directory, insights: { statements } }: Watched): JSX.Element {
  return (
    <TableCard
      title="Statements by time"
      rows={statements}
      keyOf={({ fingerprint, site }) => `${fingerprint} ${place(site, '')}`}
      none="No statement has run yet."
      columns={[
        { title: 'share', isNumber: true, cell: ({ share }) => percent(share) },
        { title: 'calls', isNumber: true, cell: ({ calls }) => calls },
        { title: 'run p50', isNumber: true, cell: ({ run }) => time(run.p50Ms) },
        { title: 'run p95', isNumber: true, cell: ({ run }) => time(run.p95Ms) },
        { title: 'wait p95', isNumber: true, cell: ({ wait }) => time(wait.p95Ms) },
        { title: 'errors', isNumber: true, cell: ({ errors }) => errors },
        { title: 'statement', isCode: true, cell: ({ text }) => text },
        { title: 'at', isCode: true, cell: ({ site }) => place(site, directory) },
      ]}
    />
  )
}

function NPlusOne({ directory, insights: { nPlusOne } }: Watched): JSX.Element | null {
  if (nPlusOne.length === 0) return null
  return (
    <TableCard
      title="N+1: the same read again and again"
      label="N+1"
      rows={nPlusOne}
      keyOf={({ fingerprint, site }) => `${fingerprint} ${place(site, '')}`}
      none=""
      columns={[
        { title: 'times in one request', isNumber: true, cell: ({ maxRepeats }) => maxRepeats },
        { title: 'requests', isNumber: true, cell: ({ contexts }) => contexts },
        { title: 'statement', isCode: true, cell: ({ text }) => text },
        { title: 'at', isCode: true, cell: ({ site }) => place(site, directory) },
      ]}
    />
  )
}

function HeldIdle({ directory, insights: { heldIdle } }: Watched): JSX.Element | null {
  if (heldIdle.length === 0) return null
  return (
    <TableCard
      title="Held while no statement runs"
      rows={heldIdle}
      keyOf={({ site }) => place(site, '')}
      none=""
      columns={[
        { title: 'times', isNumber: true, cell: ({ exceeded, open }) => exceeded + open },
        { title: 'idle p95', isNumber: true, cell: ({ heldIdle: idle }) => time(idle.p95Ms) },
        { title: 'held p95', isNumber: true, cell: ({ held }) => time(held.p95Ms) },
        {
          title: 'in a transaction',
          isNumber: true,
          cell: ({ exceededInTransaction }) => exceededInTransaction,
        },
        { title: 'acquired at', isCode: true, cell: ({ site }) => place(site, directory) },
      ]}
    />
  )
}

function Blocking({ directory, insights: { blocking } }: Watched): JSX.Element | null {
  if (blocking.length === 0) return null
  return (
    <TableCard
      title="Who blocks whom"
      rows={blocking}
      keyOf={({ blocker, waiter }, index) => `${waiter.processId} ${blocker.processId} ${index}`}
      classOf={({ active }) => (active ? 'bad' : undefined)}
      none=""
      columns={[
        { title: 'waited', isNumber: true, cell: ({ waitedMs }) => time(waitedMs) },
        { title: 'waits', isCode: true, cell: ({ waiter }) => place(waiter.site, directory) },
        { title: 'for', isCode: true, cell: ({ blocker }) => place(blocker.site, directory) },
        {
          title: 'lock',
          cell: ({ lockType, relation }) => [lockType, relation].filter(Boolean).join(' of '),
        },
        { title: '', cell: ({ active }) => (active ? 'now' : '') },
      ]}
    />
  )
}

function Slow({ directory, insights: { slow } }: Watched): JSX.Element | null {
  if (slow.length === 0) return null
  return (
    <TableCard
      title="Slow statements"
      rows={slow}
      keyOf={({ at, fingerprint }, index) => `${at} ${fingerprint} ${index}`}
      none=""
      columns={[
        { title: 'ran', isNumber: true, cell: ({ runMs }) => time(runMs) },
        { title: 'waited', isNumber: true, cell: ({ waitMs }) => time(waitMs) },
        { title: 'rows', isNumber: true, cell: ({ rowCount }) => rowCount ?? '–' },
        { title: 'statement', isCode: true, cell: ({ text }) => text },
        { title: 'at', isCode: true, cell: ({ site }) => place(site, directory) },
      ]}
    />
  )
}
