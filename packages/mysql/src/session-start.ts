import type { Role } from '@connmgr/core'
import { type DriverError, errnoOf } from './errors/classify.js'
import { IDENTITY, WITHHELD } from './replication/questions.js'
import type { Session } from './session.js'

const ROLE = '@@global.read_only OR @@global.innodb_read_only'
const ROLE_OF_OLD_SERVERS = '@@global.read_only'
const BASELINE = '@@character_set_client, @@collation_connection, DATABASE(), @@sql_mode'
const AT_LOGIN = '@@global.init_connect'

export async function askRole(session: Session): Promise<Role> {
  const [row] = await orElse(
    () => session.ask(`SELECT ${ROLE}`),
    () => session.ask(`SELECT ${ROLE_OF_OLD_SERVERS}`),
  )
  return roleIn(row?.[0])
}

/** What has to be known of a session from its start: where it leads, and how it is before a borrower changes it. */
export async function setUp(session: Session): Promise<void> {
  const [row] = await orElse(
    () => session.ask(`SELECT ${ROLE}, ${IDENTITY[session.flavour]}, ${BASELINE}, ${AT_LOGIN}`),
    () => session.ask(`SELECT ${ROLE_OF_OLD_SERVERS}, NULL, ${BASELINE}`),
  )
  const [readOnly, server, characterSet, collation, database = null, sqlMode, atLogin] = row ?? []
  session.role = roleIn(readOnly)
  session.server = server ?? undefined
  if (characterSet && collation)
    session.initial = {
      characterSet,
      collation,
      database,
      sqlMode: sqlMode ?? undefined,
      serverSetsUp: Boolean(atLogin?.trim()),
    }
  session.baseline()
}

function roleIn(readOnly: string | null | undefined): Role {
  return readOnly === '0' ? 'primary' : 'standby'
}

/** Something else, if a server does not have or does not show what was asked. */
async function orElse<T>(ask: () => Promise<T>, instead: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!WITHHELD.has(errnoOf(error as DriverError))) throw error
    return instead()
  }
}
