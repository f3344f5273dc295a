import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ServerProcess } from '../servers/server-process.js'
import { startOnPort } from '../servers/start-on-port.js'
import { guardDirectory } from '../servers/watchdog.js'

/** The program that tests run, with the Debian package that brings it. */
export const ALERTMANAGER_PROGRAMS: Readonly<Record<string, string>> = {
  'prometheus-alertmanager': 'prometheus-alertmanager',
}

export const ALERTMANAGER_INSTALL_COMMAND =
  'apt-get install -y --no-install-recommends prometheus-alertmanager'

/** Debian's name, and that of everyone else. */
const NAMES = ['prometheus-alertmanager', 'alertmanager']
const USUAL_FOLDERS = ['/usr/bin', '/usr/local/bin']

/**
 * Finds Alertmanager: the program that `ALERTMANAGER` names, else where packages put it, else in the `PATH`.
 *
 * @returns undefined if there is none
 */
export function findAlertmanager(): string | undefined {
  const named = process.env.ALERTMANAGER
  if (named) {
    if (isProgram(named)) return named
    throw new Error(`ALERTMANAGER=${named}: there is no such program`)
  }
  const folders = [...USUAL_FOLDERS, ...(process.env.PATH ?? '').split(path.delimiter)]
  return folders
    .filter(path.isAbsolute)
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name)))
    .find(isProgram)
}

/** An alert, as Alertmanager's API shows it. */
export interface ShownAlert {
  readonly fingerprint: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly status: { readonly state: 'unprocessed' | 'active' | 'suppressed' }
}

/** An Alertmanager on 127.0.0.1 that a test may kill and start again. */
export class Alertmanager {
  readonly #program: string
  readonly #directory: string
  readonly #endGuard: () => Promise<void>
  #server: ServerProcess | undefined
  #port = 0

  private constructor(program: string, directory: string, endGuard: () => Promise<void>) {
    this.#program = program
    this.#directory = directory
    this.#endGuard = endGuard
  }

  /** @internal use `startAlertmanager` */
  static async start(webhookUrl: string): Promise<Alertmanager> {
    const program = findAlertmanager()
    if (program === undefined)
      throw new Error(`Alertmanager is not installed: ${ALERTMANAGER_INSTALL_COMMAND}`)
    const directory = mkdtempSync(path.join(tmpdir(), 'connmgr-alertmanager-'))
    const endGuard = await guardDirectory(directory)
    const alertmanager = new Alertmanager(program, directory, endGuard)
    try {
      writeFileSync(path.join(directory, 'alertmanager.yml'), configuration(webhookUrl))
      await alertmanager.start()
      return alertmanager
    } catch (error) {
      await alertmanager.stop()
      throw error
    }
  }

  /** The same over restarts. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Starts it again, with what it has kept on disk. */
  async start(): Promise<void> {
    const { port, server } = await startOnPort(this.#port, (port) =>
      ServerProcess.start({
        product: 'Alertmanager',
        program: this.#program,
        argv: [
          `--config.file=${path.join(this.#directory, 'alertmanager.yml')}`,
          `--storage.path=${path.join(this.#directory, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          // Alone: it listens for no other.
          '--cluster.listen-address=',
        ],
        dataDirectory: this.#directory,
        word: this.#directory,
        ready: /msg="?Listening on/,
        portTaken: /address already in use/,
      }),
    )
    this.#port = port
    this.#server = server
  }

  /** Ends it without a chance to save anything. */
  async kill(): Promise<void> {
    await this.#server?.kill()
  }

  /** The alerts that it knows. */
  async alerts(): Promise<readonly ShownAlert[]> {
    const response = await fetch(`${this.url}/api/v2/alerts`)
    if (!response.ok) throw new Error(`Alertmanager answered with status ${response.status}`)
    return (await response.json()) as ShownAlert[]
  }

  async stop(): Promise<void> {
    if (this.#server?.running === true) await this.#server.kill()
    rmSync(this.#directory, { recursive: true, force: true })
    await this.#endGuard()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/**
 * Starts an Alertmanager with an empty memory, that posts every change of an alert to a webhook at once.
 *
 * @param webhookUrl gets the notifications
 */
export function startAlertmanager(webhookUrl: string): Promise<Alertmanager> {
  return Alertmanager.start(webhookUrl)
}

function configuration(webhookUrl: string): string {
  return [
    'route:',
    '  receiver: test',
    "  group_by: ['...']",
    '  group_wait: 0s',
    '  group_interval: 1s',
    '  repeat_interval: 1h',
    'receivers:',
    '  - name: test',
    '    webhook_configs:',
    `      - url: ${JSON.stringify(webhookUrl)}`,
    '        send_resolved: true',
    '',
  ].join('\n')
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
