import { Client } from 'pg'
import { Daemon } from './daemon.js'
import type { LabFolder } from './lab-folder.js'

const HOST = '127.0.0.1'

/** A PgBouncer in front of one address. */
export class PgBouncer {
  readonly daemon: Daemon
  readonly #port: number

  private constructor(daemon: Daemon, port: number) {
    this.daemon = daemon
    this.#port = port
  }

  static async start(folder: LabFolder, port: number, serverPort: number): Promise<PgBouncer> {
    const file = folder.file('pgbouncer.ini', configuration(port, serverPort))
    return new PgBouncer(await Daemon.start(folder, 'pgbouncer', ['pgbouncer', '-q', file]), port)
  }

  /** `postgres` is pooled by transaction, `by_session` is the same database pooled by session. */
  url(database: 'postgres' | 'by_session' = 'postgres'): string {
    return `postgresql://postgres@${HOST}:${this.#port}/${database}`
  }

  /** Gives an order on its console; resolves when it has been carried out, `PAUSE` once no statement is running. */
  async order(command: 'PAUSE' | 'RESUME'): Promise<void> {
    const client = new Client({
      connectionString: `postgresql://postgres@${HOST}:${this.#port}/pgbouncer`,
    })
    client.on('error', () => {
      // The order fails too.
    })
    await client.connect()
    try {
      await client.query(command)
    } finally {
      await client.end()
    }
  }
}

function configuration(port: number, serverPort: number): string {
  const server = `host=${HOST} port=${serverPort} dbname=postgres user=postgres`
  return `${[
    '[databases]',
    `postgres = ${server}`,
    `by_session = ${server} pool_mode=session`,
    '[pgbouncer]',
    `listen_addr = ${HOST}`,
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'admin_users = postgres',
    'pool_mode = transaction',
    'default_pool_size = 20',
    'server_login_retry = 1',
    'ignore_startup_parameters = extra_float_digits',
  ].join('\n')}\n`
}
