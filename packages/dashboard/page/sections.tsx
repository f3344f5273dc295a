import type { JSX } from 'preact'
import type { EndpointView, HolderView, ManagerView, TimelineEntry } from '../src/view'
import { ActionButton, useOffers } from './actions'
import { hour, place, time } from './format'
import { type Column, TableCard } from './table'

interface Shown {
  readonly manager: ManagerView
  readonly directory: string
}

/** Who holds a connection now. */
export function Holders({ directory, manager }: Shown): JSX.Element {
  const { holders, id, settings } = manager
  const mayReclaim = useOffers('reclaim') && settings.poolMode === 'pooled'
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
    ...(mayReclaim ? [{ title: 'action', cell: reclaimButton(id, directory) }] : []),
  ]
  return (
    <TableCard
      title="Who holds connections"
      rows={holders}
      columns={columns}
      keyOf={({ leaseId }) => leaseId}
      classOf={({ leaked }) => (leaked ? 'bad' : undefined)}
      none="No connection is lent."
    />
  )
}

/** The servers, and what each is to callers. */
export function Endpoints({ manager: { endpoints, id: manager } }: Shown): JSX.Element {
  const mayMove = useOffers('failover', 'quarantine', 'unquarantine') && endpoints.length > 1
  const columns: Column<EndpointView>[] = [
    { title: 'server', cell: ({ id }) => id },
    { title: 'role', cell: ({ active, role }) => (active ? `${role}, takes writes` : role) },
    { title: 'state', cell: ({ state }) => state },
    { title: 'since', cell: ({ since }) => hour(since) },
    { title: 'lag', isNumber: true, cell: ({ lagMs }) => time(lagMs) },
    { title: 'in use', isNumber: true, cell: ({ pool }) => pool.checkedOut },
    { title: 'idle', isNumber: true, cell: ({ pool }) => pool.checkedIn },
    { title: 'last error', cell: ({ lastError }) => lastError?.message ?? '' },
    ...(mayMove ? [{ title: 'action', cell: endpointButtons(manager) }] : []),
  ]
  return (
    <TableCard
      title="Servers"
      rows={endpoints}
      columns={columns}
      keyOf={({ id }) => id}
      classOf={({ active }) => (active ? 'active' : undefined)}
      none="No server is configured."
    />
  )
}

/** What has happened, the latest first. */
export function Timeline({ manager: { timeline } }: Shown): JSX.Element {
  const columns: Column<TimelineEntry>[] = [
    { title: 'at', cell: ({ at }) => hour(at) },
    { title: 'what happened', cell: ({ text }) => text },
  ]
  return (
    <TableCard
      title="What happened"
      rows={timeline}
      columns={columns}
      keyOf={({ at, text }, index) => `${at} ${text} ${index}`}
      classOf={({ level }) =>
        level === 'error' ? 'bad' : level === 'warn' ? 'warning' : undefined
      }
      none="Nothing since the page was mounted."
    />
  )
}

function reclaimButton(manager: number, directory: string) {
  return ({ connectionId, label, leaseId, longLived, site }: HolderView): JSX.Element => {
    const holder = label ?? place(site, directory)
    return (
      <ActionButton
        describe={`Reclaim connection ${connectionId} from ${holder}`}
        wish={{
          action: 'reclaim',
          manager,
          lease: leaseId,
          confirm: {
            question: `Take connection ${connectionId} from ${holder}?`,
            consequence: `${longLived ? 'It is held for long on purpose. ' : ''}The statement that runs is cancelled, an open transaction is rolled back, and its holder gets an error. The slot is free for the next caller.`,
          },
        }}
      >
        Reclaim
      </ActionButton>
    )
  }
}

function endpointButtons(manager: number) {
  return ({ active, id, state }: EndpointView): JSX.Element => (
    <div class="buttons">
      {!active && state !== 'QUARANTINED' && (
        <ActionButton
          describe={`Switch over to ${id}`}
          wish={{
            action: 'failover',
            manager,
            endpoint: id,
            confirm: {
              question: `Switch over to ${id}?`,
              consequence:
                'Callers who write go there from now on. With replication it has to be promoted on the server first: a standby is refused, and nothing changes.',
            },
          }}
        >
          Switch over
        </ActionButton>
      )}
      {state === 'QUARANTINED' ? (
        <ActionButton
          describe={`Put ${id} back into service`}
          wish={{
            action: 'unquarantine',
            manager,
            endpoint: id,
            confirm: {
              question: `Put ${id} back into service?`,
              consequence: 'It is looked at, and serves callers again if it is fit for that.',
            },
          }}
        >
          Put back
        </ActionButton>
      ) : (
        <ActionButton
          describe={`Take ${id} out of service`}
          wish={{
            action: 'quarantine',
            manager,
            endpoint: id,
            confirm: {
              question: `Take ${id} out of service?`,
              consequence: `It gets no new callers until it is put back; those who have a connection may finish.${active ? ' It takes the writes now: callers who write wait until another server does.' : ''}`,
            },
          }}
        >
          Take out
        </ActionButton>
      )}
    </div>
  )
}
