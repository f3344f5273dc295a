import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ServerProcess } from '../servers/server-process.js'
import { startOnPort } from '../servers/start-on-port.js'
import { guardDirectory } from '../servers/watchdog.js'

/** The programs, each with the Debian package that brings it. */
export const PROMETHEUS_PROGRAMS: Readonly<Record<string, string>> = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
}

export const PROMETHEUS_INSTALL_COMMAND = 'apt-get install -y --no-install-recommends prometheus'

const USUAL_FOLDERS = ['/usr/bin', '/usr/local/bin']

/** Where the programs of Prometheus are. */
export interface PrometheusPrograms {
  readonly prometheus: string
  readonly promtool: string
}

/**
 * Finds Prometheus: in the directory that `PROMETHEUS_BIN` names, else where packages put it, else in the `PATH`.
 *
 * @returns undefined if it is not installed
 */
export function findPrometheus(): PrometheusPrograms | undefined {
  const named = process.env.PROMETHEUS_BIN
  const folders = named
    ? [named]
    : [...USUAL_FOLDERS, ...(process.env.PATH ?? '').split(path.delimiter)]
  for (const folder of folders.filter(path.isAbsolute)) {
    const prometheus = path.join(folder, 'prometheus')
    const promtool = path.join(folder, 'promtool')
    if (isProgram(prometheus) && isProgram(promtool)) return { prometheus, promtool }
  }
  return undefined
}

export interface PrometheusOptions {
  /** The port on 127.0.0.1 whose `/metrics` is scraped. */
  readonly target: number
  /** The text of a file of rules. */
  readonly rules?: string
}

/** One series of an answer, with its value. */
export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

/** An alert that is pending or firing. */
export interface PrometheusAlert {
  readonly name: string
  readonly state: 'pending' | 'firing'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** A Prometheus that scrapes one target each second, and evaluates its rules as often. */
export class RunningPrometheus {
  readonly #server: ServerProcess
  readonly #cleanUp: () => Promise<void>
  readonly #url: string

  constructor(server: ServerProcess, port: number, cleanUp: () => Promise<void>) {
    this.#server = server
    this.#cleanUp = cleanUp
    this.#url = `http://127.0.0.1:${port}`
  }

  /**
   * The answer to an instant query.
   *
   * @throws Error with what Prometheus says of the query
   */
  async query(promql: string): Promise<readonly PrometheusSeries[]> {
    const { result, resultType } = await this.#ask<{
      resultType: string
      result: { metric: Record<string, string>; value: [number, string] }[]
    }>(`/api/v1/query?query=${encodeURIComponent(promql)}`)
    if (resultType !== 'vector') throw new Error(`${promql} gives a ${resultType}, not a vector`)
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }

  /** The alerts that are pending or firing. */
  async alerts(): Promise<readonly PrometheusAlert[]> {
    const { alerts } = await this.#ask<{
      alerts: {
        labels: Record<string, string>
        annotations: Record<string, string>
        state: 'pending' | 'firing'
      }[]
    }>('/api/v1/alerts')
    return alerts.map(({ annotations, labels, state }) => ({
      name: labels.alertname ?? '',
      state,
      labels,
      annotations,
    }))
  }

  /** The rules, each with its health and the error of its latest evaluation. */
  async rules(): Promise<readonly { name: string; health: string; lastError?: string }[]> {
    const { groups } = await this.#ask<{
      groups: { rules: { name: string; health: string; lastError?: string }[] }[]
    }>('/api/v1/rules')
    return groups.flatMap(({ rules }) => rules)
  }

  async stop(): Promise<void> {
    await this.#server.kill()
    await this.#cleanUp()
  }

  async #ask<T>(resource: string): Promise<T> {
    const response = await fetch(`${this.#url}${resource}`)
    const answer = (await response.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success') throw new Error(`${resource}: ${answer.error}`)
    return answer.data
  }
}

/** Starts Prometheus on a free port, with a data directory that is removed with it. */
export async function startPrometheus({
  rules,
  target,
}: PrometheusOptions): Promise<RunningPrometheus> {
  const found = findPrometheus()
  if (found === undefined)
    throw new Error(`Prometheus is not installed: ${PROMETHEUS_INSTALL_COMMAND}`)
  const directory = mkdtempSync(path.join(tmpdir(), 'connmgr-prometheus-'))
  const endGuard = await guardDirectory(directory)
  const cleanUp = async () => {
    rmSync(directory, { recursive: true, force: true })
    await endGuard()
  }
  const file = path.join(directory, 'prometheus.yml')
  writeFileSync(path.join(directory, 'rules.yml'), rules ?? 'groups: []\n')
  writeFileSync(
    file,
    `global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
scrape_configs:
  - job_name: app
    static_configs:
      - targets: ['127.0.0.1:${target}']
`,
  )
  try {
    const { server, port } = await startOnPort(0, (port) =>
      ServerProcess.start({
        product: 'Prometheus',
        program: found.prometheus,
        argv: [
          `--config.file=${file}`,
          `--storage.tsdb.path=${path.join(directory, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        dataDirectory: directory,
        word: directory,
        ready: /Server is ready to receive web requests/,
        portTaken: /address already in use/,
      }),
    )
    return new RunningPrometheus(server, port, cleanUp)
  } catch (error) {
    await cleanUp()
    throw error
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
