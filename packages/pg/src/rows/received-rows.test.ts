import { deepStrictEqual } from 'node:assert/strict'
import { inspect } from 'node:util'
import { runInThisContext } from 'node:vm'
import fc from 'fast-check'
import pg, { type Client } from 'pg'
import Cursor from 'pg-cursor'
import { answeredClient, type Column, type Sent, server } from '../../test/answered-client.js'
import { internalsOf } from '../client-internals.js'
import {
  type ColumnKind,
  kindOf as columnKind,
  MOMENT,
  PARSED,
  TEXT,
  WHOLE,
} from './column-kind.js'
import { readRows } from './received-rows.js'

type Asked = (client: Client) => Promise<unknown>

/** What an answer comes to when it arrives in pieces, with us and without. */
async function bothWays(
  ask: Asked,
  answer: Buffer,
  cuts: readonly number[] = [],
): Promise<readonly [unknown, unknown]> {
  const outcome = async (prepare?: (client: Client) => void): Promise<unknown> => {
    const { client, receive } = await answeredClient(prepare)
    client.on('error', () => {})
    const points = [...new Set(cuts.map((cut) => cut % answer.length))].sort((a, b) => a - b)
    const results: unknown[] = []
    // What was said once is known the second time.
    for (let times = 0; times < 2; times += 1) {
      const asked = ask(client).catch((error: unknown) => ({ failed: String(error) }))
      let from = 0
      for (const to of [...points, answer.length]) {
        if (to > from) receive(Buffer.from(answer.subarray(from, to)))
        from = to
      }
      const result = await asked
      results.push(Array.isArray(result) ? result.map(visible) : visible(result))
    }
    return results
  }
  return [await outcome(readRows), await outcome()]
}

function visible(result: unknown): unknown {
  if (!(result instanceof pg.Result)) return result
  const { command, fields, rowCount, rows } = result
  return { command, fields, rowCount, rows, keys: rows.map((row) => Object.keys(row)) }
}

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 23 },
  { name: 'name', type: 25 },
  { name: 'at', type: 1184 },
]
const query: Asked = (client) => client.query('select')
const answerOf = (columns: readonly Column[], rows: readonly (readonly Sent[])[]): Buffer =>
  Buffer.concat([
    server.columns(columns),
    ...rows.map((row) => server.row(row)),
    server.completed(`SELECT ${rows.length}`),
    server.ready(),
  ])

/** Values in the text format, and what no server would send. */
const digits = fc.oneof(
  fc.integer().map(String),
  fc.maxSafeInteger().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom(
    '-',
    '',
    '-0',
    '+5',
    '007',
    '1e3',
    '0x10',
    ' 7',
    '7 ',
    '1.5',
    'NaN',
    '9'.repeat(40),
  ),
)
const moment = fc
  .tuple(
    fc.constantFrom('2026-01-01', '1999-12-31', '0099-02-03', '12026-01-01', '2026-13-45'),
    fc.constantFrom(
      '',
      ' 00:00:00',
      ' 23:59:59',
      ' 12:34:56.7',
      ' 12:34:56.289',
      ' 01:02:03.123456',
    ),
    fc.constantFrom('', '+00', '-08', '+05:30', '-03:30:15', ' BC', '+00 BC', 'Z'),
  )
  .map((parts) => parts.join(''))
const short = fc.string({ maxLength: 30 })
const words = fc.oneof(
  short,
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    'paid',
    'open',
    'é',
    '\u{1f600}',
    'a'.repeat(24),
    'a'.repeat(25),
    'x'.repeat(5000),
  ),
)
const value: fc.Arbitrary<string | null> = fc.option(
  fc.oneof(
    digits,
    moment,
    words,
    fc.constantFrom(
      't',
      'f',
      'true',
      '{1,2}',
      '{"a":1}',
      '\\x00ff',
      'infinity',
      '-infinity',
      '2026-01-01',
    ),
  ),
)
/** Of what no server sends their parsers do not come to an end. */
const WELL_FORMED: Record<number, fc.Arbitrary<string | null>> = {
  17: fc.option(fc.constantFrom('\\x', '\\x00ff', 'a\\\\b\\000')),
  1007: fc.option(fc.constantFrom('{}', '{1,-2}', '{{1},{NULL}}')),
}
const PARSED_TYPES = [1007, 16, 17, 20, 21, 23, 25, 26, 114, 700, 701, 1082, 1114, 1184, 2950, 3802]
const answer = fc
  .array(
    fc.record({
      name: fc.oneof(fc.constantFrom('id', 'id', '__proto__', 'constructor', ''), short),
      type: fc.constantFrom(...PARSED_TYPES),
    }),
    { maxLength: 8 },
  )
  .map((columns) => columns.map(({ name, type }) => ({ name: name.replaceAll('\0', ''), type })))
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(({ type }) => WELL_FORMED[type] ?? value)), {
        maxLength: 6,
      }),
    }),
  )

describe('what is read of an answer is what node-postgres reads', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 12 })

  test('of any columns and values, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(answer, cuts, async ({ columns, rows }, cuts) => {
        const [ours, theirs] = await bothWays(query, answerOf(columns, rows), cuts)
        deepStrictEqual(ours, theirs)
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 2000) },
    )
  })

  test('cut after each byte', async () => {
    const bytes = answerOf(COLUMNS, [
      ['1', 'ann', '2026-01-01 00:00:00+00'],
      ['-2', null, null],
    ])
    const everywhere = Array.from(bytes, (_, at) => at)
    const [ours, theirs] = await bothWays(query, bytes, everywhere)
    deepStrictEqual(ours, theirs)
    for (const cut of everywhere) deepStrictEqual((await bothWays(query, bytes, [cut]))[0], theirs)
  })

  test.each<readonly [string, Asked]>([
    ['rows as arrays', (client) => client.query({ text: 'select', rowMode: 'array' })],
    [
      'a callback',
      (client) => new Promise((resolve) => client.query('select', (_e, r) => resolve(r))),
    ],
    [
      'listeners of a query',
      (client) =>
        new Promise((resolve) => {
          const seen: unknown[] = []
          const asked = client.query(new pg.Query('select'))
          asked.on('row', (row) => seen.push(row))
          asked.on('end', () => resolve(seen))
        }),
    ],
    ['a cursor', async (client) => client.query(new Cursor('select')).read(100)],
    [
      'types of the query',
      (client) =>
        client.query({
          text: 'select',
          types: { getTypeParser: () => (given: unknown) => `<${given}>` } as never,
        }),
    ],
    [
      'types of the client',
      (client) => {
        client.setTypeParser(23, (given) => BigInt(given))
        client.setTypeParser(25, String)
        return client.query('select')
      },
    ],
    [
      'a parser that fails',
      (client) => {
        client.setTypeParser(25, (given) => {
          throw new Error(`no ${given}`)
        })
        return client.query('select')
      },
    ],
  ])('with %s', async (_how, ask) => {
    const bytes = answerOf(COLUMNS, [
      ['1', 'ann', '2026-01-01 00:00:00+00'],
      ['2', 'bob', null],
    ])
    // A cursor has its statement described before its rows.
    const [ours, theirs] = await bothWays(ask, bytes)
    deepStrictEqual(ours, theirs)
    expect(inspect(theirs, { depth: 5 })).toMatch(/ann/)
  })

  test.each([
    ['of more values than columns', ['1', 'ann', null, 'more']],
    ['of fewer', ['1']],
  ])('in a row %s', async (_what, odd) => {
    const bytes = answerOf(COLUMNS, [['0', 'zoe', null], odd, ['2', 'bob', null]])
    const [ours, theirs] = await bothWays(query, bytes)
    deepStrictEqual(ours, theirs)
  })

  test('of several statements, with notices and an error between their rows', async () => {
    const rows = [server.columns(COLUMNS), server.row(['1', 'ann', null])]
    const more = [
      server.notice('take care'),
      server.row(['2', 'bob', null]),
      server.completed('SELECT 2'),
    ]
    for (const end of [[server.ready()], [server.failed('22012'), server.ready()]]) {
      const bytes = Buffer.concat([...rows, ...more, ...rows, server.completed('SELECT 1'), ...end])
      const [ours, theirs] = await bothWays(query, bytes)
      deepStrictEqual(ours, theirs)
    }
  })

  test('of columns that who had an earlier answer has written to', async () => {
    const bytes = answerOf([{ name: 'written', type: 23 }], [['1']])
    const writing: Asked = async (client) => {
      const result = await client.query('select')
      const shown = visible({
        ...result,
        rows: result.rows,
        fields: structuredClone(result.fields),
      })
      for (const field of result.fields) Object.assign(field, { name: 'other', dataTypeID: 25 })
      return shown
    }
    const [ours, theirs] = await bothWays(writing, bytes)
    deepStrictEqual(ours, theirs)
  })

  test('of rows of bytes', async () => {
    const bytes = Buffer.concat([
      server.columns([{ name: 'n', type: 23 }], 1),
      server.row([Buffer.from([0, 0, 0, 7])]),
      server.completed('SELECT 1'),
      server.ready(),
    ])
    const [ours, theirs] = await bothWays(query, bytes)
    deepStrictEqual(ours, theirs)
  })
})

describe('rows are read here', () => {
  /** How many messages of a kind node-postgres gets of an answer. */
  async function given(
    message: 'dataRow' | 'rowDescription',
    ask: Asked,
    prepare: (client: Client) => void = () => {},
    columns: readonly Column[] = COLUMNS,
  ): Promise<number> {
    const { client, receive } = await answeredClient((made) => {
      readRows(made)
      prepare(made)
    })
    let count = 0
    const asked = ask(client)
    const { connection } = internalsOf(client)
    const emit = connection?.emit as (...args: unknown[]) => boolean
    Object.assign(connection as object, {
      emit(...args: unknown[]) {
        if (args[0] === message) count += 1
        return emit.apply(connection, args)
      },
    })
    receive(answerOf(columns, [['1', 'ann', null]]))
    await asked
    return count
  }

  test('where only node-postgres listens', async () => {
    expect(await given('dataRow', query)).toBe(0)
    expect(await given('dataRow', (client) => client.query('select $1', [1]))).toBe(0)
  })

  test('and their columns from the second time on, also as arrays and on other connections', async () => {
    const columns = COLUMNS.map(({ name, type }) => ({ name: `new ${name}`, type }))
    const arrays: Asked = (client) => client.query({ text: 'select', rowMode: 'array' })
    const counts = []
    for (const ask of [query, query, arrays])
      counts.push(await given('rowDescription', ask, undefined, columns))
    expect(counts).toEqual([1, 0, 0])
  })

  test.each<readonly [string, (client: Client) => void]>([
    ['rows', (client) => void internalsOf(client).connection?.on('dataRow', () => {})],
    ['messages', (client) => void internalsOf(client).connection?.on('message', () => {})],
  ])('and not where a connection has listeners to %s', async (_to, prepare) => {
    expect(await given('dataRow', query, prepare)).toBe(1)
  })
})

describe('what a parser does is known', () => {
  /** When it is met again. */
  function kindOf(parser: (text: string) => unknown): ColumnKind {
    columnKind(parser)
    return columnKind(parser)
  }

  test('not when it is met first, as one that is made for each query is', () => {
    for (let n = 0; n < 100; n += 1) expect(columnKind((text) => text)).toBe(PARSED)
  })

  test('of those that node-postgres has for texts, whole numbers and moments', () => {
    const kinds = [20, 21, 23, 25, 26, 1082, 1114, 1184].map((type) =>
      kindOf(pg.types.getTypeParser(type)),
    )
    expect(kinds).toEqual([TEXT, WHOLE, WHOLE, TEXT, WHOLE, MOMENT, MOMENT, MOMENT])
  })

  test.each<readonly [ColumnKind, string]>([
    [TEXT, 'value => value'],
    [TEXT, '(v) => String(v)'],
    [TEXT, 'function (value) { return value }'],
    [TEXT, 'function noParse (val) {\n  return String(val);\n}'],
    [WHOLE, '(v) => Number(v)'],
    [WHOLE, 'v=>parseInt(v,10)'],
    [PARSED, '(v) => v.trim()'],
    [PARSED, '(v) => parseInt(v, 2)'],
    [PARSED, '(v) => String(w)'],
    [PARSED, '(v) => -Number(v)'],
    [PARSED, 'async (v) => v'],
    [PARSED, 'async v => v'],
    [PARSED, '(v, w) => v'],
    [PARSED, '(...v) => v'],
    [PARSED, '({ v }) => v'],
    [PARSED, 'function* (v) { return v }'],
    [PARSED, 'function (v) { log(v); return v }'],
  ])('%d of %s', (kind, source) => {
    const parser = runInThisContext(`(${source})`) as (text: string) => unknown
    expect(kindOf(parser)).toBe(kind)
  })

  test('but not of one behind a Proxy, or that is bound', () => {
    const parser = (text: string): unknown => text
    expect(kindOf(parser)).toBe(TEXT)
    expect(kindOf(new Proxy(parser, {}))).toBe(PARSED)
    expect(kindOf(parser.bind(null))).toBe(PARSED)
  })
})

test('a message that never ends, as of a server that is none, is not waited for in memory', async () => {
  const { client, receive } = await answeredClient(readRows)
  client.on('error', () => {})
  const before = process.memoryUsage().arrayBuffers
  receive(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
})
