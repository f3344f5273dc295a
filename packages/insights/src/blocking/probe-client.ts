/** A connection for questions to the server, made by any driver. */
export interface ProbeClient {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly object[] }>
}

/** The part of mysql2's connection that is used here. */
interface MysqlConnection {
  query(options: object, callback: (error: unknown, rows: unknown) => void): unknown
}

/** No question of ours burdens the server for longer. */
const STATEMENT_TIMEOUT_MS = 2000

const BEGIN_ON_POSTGRES =
  `set application_name to 'connmgr insights'; set statement_timeout to ${STATEMENT_TIMEOUT_MS}; ` +
  'set default_transaction_read_only to on'

/** What the options of a manager may have set otherwise for its own borrowers. */
const PLAIN_ROWS = {
  rowsAsArray: false,
  nestTables: false,
  typeCast: true,
  namedPlaceholders: false,
}

/** By a driver's name: prepares one of its connections to be asked over. */
const BEGIN: Readonly<Record<string, (connection: object) => Promise<ProbeClient>>> = {
  async postgresql(connection) {
    const client = connection as ProbeClient
    await client.query(BEGIN_ON_POSTGRES)
    return client
  },

  async mysql(connection) {
    const client: ProbeClient = {
      query: (sql, values = []) =>
        new Promise((resolve, reject) => {
          const answer = (error: unknown, rows: unknown): void => {
            if (error) reject(error)
            else resolve({ rows: Array.isArray(rows) ? (rows as object[]) : [] })
          }
          ;(connection as MysqlConnection).query({ ...PLAIN_ROWS, sql, values }, answer)
        }),
    }
    const isMariadb = await isOfMariadb(client)
    await client.query('set session transaction read only')
    // In seconds, and of all statements, on MariaDB; in milliseconds, and of SELECT alone, on MySQL.
    await client.query(
      isMariadb
        ? `set session max_statement_time = ${STATEMENT_TIMEOUT_MS / 1000}`
        : `set session max_execution_time = ${STATEMENT_TIMEOUT_MS}`,
    )
    return client
  },
}

/** Whether a server can be asked questions: those of other databases are files. */
export function canBeAsked(database: string | undefined): database is string {
  return database !== undefined && BEGIN[database] !== undefined
}

/** Prepares a connection to be asked over. @param database for which {@link canBeAsked} */
export function beginProbe(database: string, connection: object): Promise<ProbeClient> {
  const begin = BEGIN[database]
  return begin === undefined
    ? Promise.reject(new Error(`${database} has no server to ask`))
    : begin(connection)
}

/** Of a server that speaks MySQL's protocol. */
export async function isOfMariadb(client: ProbeClient): Promise<boolean> {
  const { rows } = await client.query('select version() as version')
  const [row] = rows as readonly { readonly version?: unknown }[]
  return /mariadb/i.test(String(row?.version))
}
