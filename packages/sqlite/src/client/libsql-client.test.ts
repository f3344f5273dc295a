import { type Client, createClient } from '@libsql/client'
import { Files } from '../../test/files.js'
import { INSTALLED } from '../../test/libraries.js'
import { createConnectionManager } from '../create-connection-manager.js'
import { LibsqlClient } from './libsql-client.js'
import type { IntMode } from './types.js'

const files = new Files()
afterAll(() => files.remove())

/** What a call has come to, in a form that can be compared. */
async function outcome(call: () => Promise<unknown>): Promise<unknown> {
  try {
    const value = await call()
    return plain(value)
  } catch (error) {
    const { name, message, code, extendedCode, rawCode, statementIndex } = error as Record<
      string,
      unknown
    >
    // Texts of refusals of ours differ.
    return typeof code === 'string'
      ? { name, message, code, extendedCode, rawCode, statementIndex }
      : { name }
  }
}

/** Values with what is not enumerable. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof ArrayBuffer) return { bytes: [...new Uint8Array(value)] }
  if (typeof value !== 'object' || value === null) return value
  // Of a statement that inserts nothing it is that of an earlier one on the same connection.
  if ('rowsAffected' in value && value.rowsAffected === 0)
    return plain({ ...value, rowsAffected: 'none', lastInsertRowid: 'any' })
  const properties = Object.getOwnPropertyDescriptors(value)
  return Object.fromEntries(
    Object.entries(properties).map(([name, { value: each, ...rest }]) => [
      name,
      { value: plain(each), enumerable: rest.enumerable },
    ]),
  )
}

/** The calls that are made of both clients, and what they have come to. */
async function play(client: Client): Promise<unknown[]> {
  const outcomes: unknown[] = []
  const note = async (call: () => Promise<unknown>): Promise<void> => {
    outcomes.push(await outcome(call))
  }
  await note(() =>
    client.execute('create table t (id integer primary key, v, b blob, r real, s text not null)'),
  )
  await note(() =>
    client.execute(
      "insert into t (v, b, r, s) values (1, x'0102ff', 1.5, 'a'), (null, x'', 2, 'b')",
    ),
  )
  await note(() => client.execute({ sql: 'insert into t (v, s) values (?, ?)', args: [true, 'c'] }))
  await note(() => client.execute('insert into t (v, s) values (:v, $s)', { v: 7, $s: 'd' }))
  await note(() => client.execute('insert into t (v, s) values (?2, ?1)', ['e', 9n]))
  await note(() =>
    client.execute('insert into t (v, s) values (?, ?)', [new Date(86_400_000), 'f']),
  )
  await note(() =>
    client.execute('insert into t (v, s) values (?, ?)', [new Uint8Array([1, 2, 3]), 'g']),
  )
  await note(() =>
    client.execute('insert into t (v, s) values (?, ?)', [new Uint8Array([4, 5]).buffer, 'h']),
  )
  await note(() => client.execute('select * from t order by id'))
  await note(() =>
    client.execute('select id, id as id, v as "V", count(*) over () n, 1 + 1 from t limit 2'),
  )
  await note(() => client.execute('select typeof(?) a, typeof(?) b, typeof(?) c', [1, 1n, 1.5]))
  await note(() => client.execute('select 9007199254740993 big'))
  await note(() => client.execute("insert into t (s) values ('i') returning id, s"))
  await note(() => client.execute('update t set v = 0 where id > 2'))
  await note(() => client.execute('delete from t where id = 1'))
  await note(() => client.execute('select s from t where id = 99'))
  await note(() => client.execute('insert into t (id, s) values (2, ?)', ['twice']))
  await note(() => client.execute('insert into t (id) values (3)'))
  await note(() => client.execute('selec'))
  await note(() => client.execute('select * from nowhere'))
  await note(() => client.execute('select ?', [Number.NaN]))
  await note(() => client.execute('select ?', [undefined as never]))
  await note(() =>
    client.batch(
      [
        "insert into t (s) values ('j')",
        { sql: 'select count(*) n from t', args: [] },
        ['select ? x', [3]],
      ],
      'write',
    ),
  )
  await note(() =>
    client.batch(
      ["insert into t (s) values ('k')", 'insert into t (id, s) values (2, 2)'],
      'write',
    ),
  )
  await note(() => client.execute("select count(*) n from t where s = 'k'"))
  await note(() => client.batch(['select 1 a', 'select 2 b'], 'deferred'))
  await note(() =>
    client.executeMultiple(
      "create table x (a); insert into x values (1); -- end\ncreate trigger g after insert on x begin insert into t (s) values ('from trigger'); end; insert into x values (2);",
    ),
  )
  await note(() => client.execute('select count(*) n from x'))
  await note(() => client.execute("select count(*) n from t where s = 'from trigger'"))
  await note(() =>
    client.executeMultiple('begin; insert into x values (3); insert into nowhere values (1)'),
  )
  await note(() => client.execute('select count(*) n from x'))
  await note(() =>
    client.migrate(['create table y (a references t (id))', 'insert into y values (12345)']),
  )
  const transaction = await client.transaction('write')
  await note(() => transaction.execute({ sql: 'insert into x values (?)', args: [4] }))
  await note(() =>
    transaction.batch(['savepoint a', 'insert into x values (5)', 'rollback to a', 'release a']),
  )
  await note(() =>
    transaction.executeMultiple('insert into x values (6); insert into x values (7)'),
  )
  await note(() => transaction.execute('insert into t (id, s) values (2, 2)'))
  await note(() => transaction.commit())
  await note(async () => transaction.closed)
  await note(() => transaction.execute('select 1'))
  await note(() => client.execute('select a from x order by a'))
  const undone = await client.transaction('deferred')
  await note(async () => (await undone.execute('delete from x')).rowsAffected)
  await note(() => undone.rollback())
  const left = await client.transaction()
  await note(async () => (await left.execute('delete from x')).rowsAffected)
  left.close()
  await note(async () => left.closed)
  await note(() => client.execute('select count(*) n from x'))
  await note(() => client.transaction('other' as never))
  const read = await client.execute('select id, b, r, s from t where id in (2, 3) order by id')
  outcomes.push(JSON.stringify(read))
  await note(async () => client.protocol)
  client.close()
  await note(async () => client.closed)
  await note(() => client.execute('select 1'))
  return outcomes
}

describe.each(INSTALLED)("libSQL's client over %s", (library) => {
  test.each<IntMode>(['number', 'bigint', 'string'])(
    "gives what libSQL's own client gives, with integers as %s",
    async (intMode) => {
      const expected = await play(createClient({ url: `file:${files.path()}`, intMode }))
      const manager = createConnectionManager({ filename: files.path(), library, logger: false })
      const client = new LibsqlClient({ manager, target: 'primary', intMode })
      const found = await play(client as unknown as Client)
      await manager.close()
      expect(found).toEqual(expected)
    },
  )
})
