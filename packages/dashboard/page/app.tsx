import type { JSX } from 'preact'
import type { DashboardView, ManagerView } from '../src/view'
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
      <Managers {...live} view={view} />
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
