import { readFileSync } from 'node:fs'
import path from 'node:path'

interface Target {
  readonly expr: string
}

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly Target[]
}

export interface Dashboard {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly (Target & { readonly name: string })[] }
  readonly templating: { readonly list: readonly { readonly query: unknown }[] }
}

/** A query of the dashboard, and the panel that it is for. */
export interface PanelQuery {
  readonly panel: string
  readonly promql: string
}

const FOLDER = path.join(__dirname, '..')

/** What Grafana puts in the place of its variables, for all pools of all processes. */
const VARIABLES: Readonly<Record<string, string>> = {
  $job: '.*',
  $instance: '.*',
  $pool: '.*',
  $__rate_interval: '1m',
}

export function readAlerts(): string {
  return readFileSync(path.join(FOLDER, 'alerts.yml'), 'utf8')
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(path.join(FOLDER, 'grafana-dashboard.json'), 'utf8'))
}

/** Every query that the dashboard makes. */
export function queriesOf({ annotations, panels }: Dashboard): PanelQuery[] {
  const ofPanels = panels.flatMap(({ targets = [], title }) =>
    targets.map(({ expr }) => ({ panel: title, promql: withoutVariables(expr) })),
  )
  const ofAnnotations = annotations.list.map(({ expr, name }) => ({
    panel: name,
    promql: withoutVariables(expr),
  }))
  return [...ofPanels, ...ofAnnotations]
}

function withoutVariables(expr: string): string {
  return expr.replaceAll(/\$\w+/g, (name) => {
    const value = VARIABLES[name]
    if (value === undefined) throw new Error(`unknown variable ${name} in ${expr}`)
    return value
  })
}
