import type { Client } from 'pg'
import { internalsOf } from '../client-internals.js'
import { runOwn } from '../own-query.js'
import type { EndpointPreparing } from './preparing.js'

/** Finds itself among what the server has prepared, by a part of its text. */
const FIND_POOLER =
  "select pg_catalog.pg_backend_pid(), (select name from pg_catalog.pg_prepared_statements where statement like '%connmgr looks for a pooler%' limit 1)"

/** Finds out whether a pooler stands before the server, and what it makes of a named statement. */
export async function findPooler(client: Client, endpoint: EndpointPreparing): Promise<void> {
  const name = endpoint.shared.nextName()
  const { rows } = await runOwn<[string, string | null]>(client, FIND_POOLER, 0, name)
  const [process, known] = rows[0] ?? []
  endpoint.found({
    direct: process !== undefined && Number(process) === internalsOf(client).processID,
    name: known ?? undefined,
    sentAs: name,
  })
}
