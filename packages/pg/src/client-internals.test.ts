import { EventEmitter } from 'node:events'
import type { ClientBase } from 'pg'
import { internalsOf, supplyInternals } from './client-internals.js'

/** A client as far as it was other than it is now: below pg 8.17 its queries have other names, below 8.21 it keeps no status. */
class OldClient extends EventEmitter {
  readonly connection = new EventEmitter()
  activeQuery: object | null = null
  queryQueue: object[] = []
}

test('a client of an old node-postgres tells its queries by their present names', () => {
  const old = new OldClient()
  const client = old as unknown as ClientBase
  supplyInternals(client)
  expect(internalsOf(client)).toMatchObject({ _activeQuery: null, _queryQueue: [] })
  old.activeQuery = { text: 'select 1' }
  old.queryQueue = [{ text: 'select 2' }]
  expect(internalsOf(client)._activeQuery).toBe(old.activeQuery)
  expect(internalsOf(client)._queryQueue).toBe(old.queryQueue)
  expect(Object.keys(old)).not.toContain('_activeQuery')
})

test('the status of its transaction is kept, before its own listeners go on', () => {
  const old = new OldClient()
  const client = old as unknown as ClientBase
  supplyInternals(client)
  const seen: unknown[] = []
  old.connection.on('readyForQuery', () => seen.push(internalsOf(client)._txStatus))
  for (const status of ['I', 'T', 'E', undefined]) old.connection.emit('readyForQuery', { status })
  expect(seen).toEqual(['I', 'T', 'E', null])
})

test('what a client has itself is left to it', () => {
  const present = { _activeQuery: null, _queryQueue: [], _txStatus: 'T' }
  const client = { ...present, connection: new EventEmitter() }
  supplyInternals(client as unknown as ClientBase)
  client.connection.emit('readyForQuery', { status: 'I' })
  expect(client).toMatchObject(present)
})
