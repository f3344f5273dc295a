import type { JSX } from 'preact'
import type { EndpointView, HolderView, ManagerView, TimelineEntry } from '../src/view'
import { hour, place, time } from './format'
import { type Column, Table } from './table'

interface Shown {
  readonly manager: ManagerView
  readonly directory: string
}

/** Who holds a connection now. */
export function Holders({ directory, manager: { holders } }: Shown): JSX.Element {
  const columns: Column<HolderView>[] = [
    { title: 'held for', isNumber: true, cell: ({ heldForMs }) => time(heldForMs) },
    {
      title: 'by',
      isCode: true,
      cell: ({ label, site }) => (label === undefined ? '' : `${label}: `) + place(site, directory),
    },
    { title: 'last query', isCode: true, cell: ({ lastQuery }) => lastQuery ?? '–' },
    { title: 'queries', isNumber: true, cell: ({ queryCount }) => queryCount },
    { title: 'server', cell: ({ endpoint }) => endpoint },
    {
      title: '',
      cell: ({ leaked, longLived }) => (leaked ? 'leak' : longLived ? 'long-lived on purpose' : ''),
    },
  ]
  return (
    <section class="card wide">
      <h3>Who holds connections</h3>
      <Table
        label="Who holds connections"
        rows={holders}
        columns={columns}
        keyOf={({ leaseId }) => leaseId}
        classOf={({ leaked }) => (leaked ? 'bad' : undefined)}
        none="No connection is lent."
      />
    </section>
  )
}

/** The servers, and what each is to callers. */
export function Endpoints({ manager: { endpoints } }: Shown): JSX.Element {
  const columns: Column<EndpointView>[] = [
    { title: 'server', cell: ({ id }) => id },
    { title: 'role', cell: ({ active, role }) => (active ? `${role}, takes writes` : role) },
    { title: 'state', cell: ({ state }) => state },
    { title: 'since', cell: ({ since }) => hour(since) },
    { title: 'lag', isNumber: true, cell: ({ lagMs }) => time(lagMs) },
    { title: 'in use', isNumber: true, cell: ({ pool }) => pool.checkedOut },
    { title: 'idle', isNumber: true, cell: ({ pool }) => pool.checkedIn },
    { title: 'last error', cell: ({ lastError }) => lastError?.message ?? '' },
  ]
  return (
    <section class="card wide">
      <h3>Servers</h3>
      <Table
        label="Servers"
        rows={endpoints}
        columns={columns}
        keyOf={({ id }) => id}
        classOf={({ active }) => (active ? 'active' : undefined)}
        none="No server is configured."
      />
    </section>
  )
}

/** What has happened, the latest first. */
export function Timeline({ manager: { timeline } }: Shown): JSX.Element {
  const columns: Column<TimelineEntry>[] = [
    { title: 'at', cell: ({ at }) => hour(at) },
    { title: 'what happened', cell: ({ text }) => text },
  ]
  return (
    <section class="card wide">
      <h3>What happened</h3>
      <Table
        label="What happened"
        rows={timeline}
        columns={columns}
        keyOf={({ at, text }, index) => `${at} ${text} ${index}`}
        classOf={({ level }) =>
          level === 'error' ? 'bad' : level === 'warn' ? 'warning' : undefined
        }
        none="Nothing since the page was mounted."
      />
    </section>
  )
}
