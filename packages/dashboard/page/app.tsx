import type { JSX } from 'preact'
import type { DashboardView, ManagerView } from '../src/view'
import { ActionButton, useOffers, WithActions } from './actions'
import { hour } from './format'
import { Insights } from './insights'
import { type Live, type Moment, useLive } from './live'
import { Pool } from './pool'
import { Endpoints, Holders, Timeline } from './sections'

export function App(): JSX.Element {
  const live = useLive()
  const { connected, view } = live
  if (view === undefined)
    return <p class="empty">{connected ? 'Loading…' : 'Waiting for the server…'}</p>
  return (
    <>
      <header>
        <h1>{view.title}</h1>
        <p role="status" class={connected ? 'live' : 'stale'}>
          {connected
            ? `live, ${hour(view.at)}`
            : `the server cannot be reached: this is from ${hour(view.at)}`}
        </p>
      </header>
      <WithActions>
        <Managers {...live} view={view} />
      </WithActions>
    </>
  )
}

function Managers({ history, view }: Live & { readonly view: DashboardView }): JSX.Element {
  if (view.managers.length === 0) return <p class="empty">There is no connection manager.</p>
  return (
    <main>
      {view.managers.map((manager) => (
        <Manager
          key={manager.id}
          manager={manager}
          directory={view.directory}
          moments={history.get(manager.id) ?? []}
        />
      ))}
    </main>
  )
}

function Manager(props: {
  readonly manager: ManagerView
  readonly directory: string
  readonly moments: readonly Moment[]
}): JSX.Element {
  const { directory, manager, moments } = props
  const { findings, headline, level } = manager.verdict
  return (
    <article aria-label={manager.name} data-status={manager.health.status}>
      <h2>{manager.name}</h2>
      <section class={`verdict ${level}`} aria-live="polite">
        <p class="headline">
          <span class="mark" aria-hidden="true" />
          {headline}
        </p>
        {findings.map((finding) => (
          <p key={finding}>{finding}</p>
        ))}
      </section>
      <ManagerActions manager={manager} />
      <div class="cards">
        <Pool manager={manager} moments={moments} />
        <Holders manager={manager} directory={directory} />
        <Endpoints manager={manager} directory={directory} />
        <Insights insights={manager.insights} directory={directory} />
        <Timeline manager={manager} directory={directory} />
      </div>
    </article>
  )
}

function ManagerActions({ manager }: { readonly manager: ManagerView }): JSX.Element | null {
  const { id, insights, name, settings } = manager
  if (!useOffers('check', 'recycle', 'reset-insights')) return null
  return (
    <div class="buttons">
      <ActionButton
        describe={`Check the health of ${name} now`}
        wish={{ action: 'check', manager: id }}
      >
        Check health now
      </ActionButton>
      {settings.poolMode === 'pooled' && (
        <ActionButton
          describe={`Recycle the connections of ${name}`}
          wish={{
            action: 'recycle',
            manager: id,
            confirm: {
              question: `Recycle all connections of ${name}?`,
              consequence:
                'Idle connections close now, those in use when they come back. Callers are served by new ones: the server sees as many logins.',
            },
          }}
        >
          Recycle connections
        </ActionButton>
      )}
      {insights !== undefined && (
        <ActionButton
          describe={`Reset the insights of ${name}`}
          wish={{
            action: 'reset-insights',
            manager: id,
            confirm: {
              question: `Forget what insights have seen of ${name}?`,
              consequence:
                'Statements, repeated reads, idle holders and blocking count from zero, for all who look at them.',
            },
          }}
        >
          Reset insights
        </ActionButton>
      )}
    </div>
  )
}
