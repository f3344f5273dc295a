import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { Client } from 'pg'
import { distribution, SERVER, snapshot, statement } from '../../test/recommendations/healthy.js'
import type { QueryRows } from '../server-facts/query-rows.js'
import { readSchemaFacts } from '../server-facts/schema-facts.js'
import { readServerFacts } from '../server-facts/server-facts.js'
import type { StatementPlan } from '../snapshot.js'
import { type IndexCandidate, indexCandidates } from './index-candidates.js'
import { proveIndexes } from './prove-indexes.js'
import { recommendations } from './recommendations.js'

const CANDIDATE: IndexCandidate = {
  table: 'users',
  columns: ['email'],
  statement: { fingerprint: 'f1', text: 'select * from users where email = ? and "a?" < ?' },
  tableRows: 20_000,
  wantedRows: 1,
  calls: 50,
  meanRunMs: 9,
  totalRunMs: 450,
}
const WITH_HYPOPG = { ...SERVER, extensions: { ...SERVER.extensions, hypopg: 'created' as const } }

/** A server that answers as one with hypopg does: by the documentation of the extension. */
function scripted(costAfter: number, usesIt = true): { query: QueryRows; sent: string[] } {
  const sent: string[] = []
  let created = false
  const query = async (text: string): Promise<object[]> => {
    sent.push(text)
    if (text.includes('hypopg_create_index')) {
      created = true
      return [{ indexrelid: '13543', indexname: '<13543>btree_users_email' }]
    }
    if (text.includes('hypopg_drop_index')) {
      created = false
      return [{ hypopg_drop_index: true }]
    }
    const index = created && usesIt ? { 'Index Name': '<13543>btree_users_email' } : {}
    return [{ 'QUERY PLAN': [{ Plan: { 'Total Cost': created ? costAfter : 400, ...index } }] }]
  }
  return { query, sent }
}

describe('proveIndexes', () => {
  test('tries each index with hypopg, and takes it away again', async () => {
    const { query, sent } = scripted(8)
    expect(await proveIndexes(query, [CANDIDATE], WITH_HYPOPG)).toEqual([
      { ...CANDIDATE, proof: { costBefore: 400, costAfter: 8 } },
    ])
    expect(sent).toEqual([
      'explain (generic_plan, format json) select * from users where email = $1 and "a?" < $2',
      "select indexrelid, indexname from hypopg_create_index('create index on users (email)')",
      'explain (generic_plan, format json) select * from users where email = $1 and "a?" < $2',
      'select hypopg_drop_index(13543)',
    ])
    const [found] = recommendations(snapshot(), {
      indexes: await proveIndexes(query, [CANDIDATE], WITH_HYPOPG),
    })
    expect(found?.evidence).toContain(
      'With the index the planner expects a cost of 8 instead of 400 (hypopg)',
    )
  })

  test('leaves out an index that the planner would not use, or that makes nothing cheaper', async () => {
    expect(await proveIndexes(scripted(8, false).query, [CANDIDATE], WITH_HYPOPG)).toEqual([])
    expect(await proveIndexes(scripted(400).query, [CANDIDATE], WITH_HYPOPG)).toEqual([])
  })

  test('keeps what could not be tried', async () => {
    const fails = async (): Promise<object[]> => {
      throw new Error('could not determine data type of parameter $1')
    }
    expect(await proveIndexes(fails, [CANDIDATE], WITH_HYPOPG)).toEqual([CANDIDATE])
  })
})

describe('on a real server', () => {
  let cluster: PostgresCluster
  let client: Client
  const query = async (text: string) => (await client.query(text)).rows

  beforeAll(async () => {
    cluster = await startCluster({})
    client = new Client({ connectionString: cluster.primary.url() })
    await client.connect()
    await client.query(`
      create table "user Account" (id int primary key, email varchar(80), "shopId" int, created_at timestamptz, note text);
      insert into "user Account" select n, 'u' || n, n % 300, now() - n * interval '1 minute', 'x' from generate_series(1, 20000) n;
      create table tiny (id int primary key, name text);
      insert into tiny select n, 'n' || n from generate_series(1, 100) n;
      analyze`)
  })
  afterAll(async () => {
    await client?.end()
    await cluster?.stop()
  })

  /** A plan as insights take it. */
  async function planOf(fingerprint: string, text: string): Promise<StatementPlan> {
    const [row] = await query(`explain (generic_plan, verbose, format json) ${text}`)
    interface Node {
      'Node Type': string
      'Relation Name': string
      Schema: string
      Filter?: string
      'Plan Rows': number
      Plans?: Node[]
    }
    const scans: Node[] = []
    const visit = (node: Node): void => {
      if (node['Node Type'] === 'Seq Scan') scans.push(node)
      for (const each of node.Plans ?? []) visit(each)
    }
    visit(row['QUERY PLAN'][0].Plan)
    return {
      fingerprint,
      text,
      hash: 'h',
      shape: 's',
      cost: 1,
      at: 0,
      sequentialScans: scans.map((each) => ({
        relation: each['Relation Name'],
        schema: each.Schema,
        filter: each.Filter,
        rows: each['Plan Rows'],
      })),
    }
  }

  test('names the columns that a statement lacks an index for, in its own plan, and no others', async () => {
    const statements = {
      email: 'select * from "user Account" where email = $1',
      shop: 'select id from "user Account" where "shopId" = $1 and created_at > $2',
      key: 'select * from "user Account" where id = $1',
      all: 'select count(*) from "user Account"',
      most: 'select * from "user Account" where created_at < $1',
      lower: 'select * from "user Account" where lower(email) = $1',
      tiny: 'select * from tiny where name = $1',
    }
    const plans: StatementPlan[] = []
    for (const [name, text] of Object.entries(statements)) plans.push(await planOf(name, text))
    // What the server counts of scans reaches its statistics a moment later.
    await client.query('select * from "user Account" where email = \'u1\'')
    await client.query('select * from tiny')
    await client.query('select pg_stat_force_next_flush()')
    const schema = await readSchemaFacts(query)
    const taken = snapshot({
      plans,
      statements: Object.keys(statements).map((fingerprint) =>
        statement({ fingerprint, calls: 50, run: distribution(50, 6) }),
      ),
    })
    const candidates = indexCandidates(taken, schema)
    expect(
      candidates.map(({ columns, statement: of, table }) => [of.fingerprint, table, columns]),
    ).toEqual([
      ['email', '"user Account"', ['email']],
      ['shop', '"user Account"', ['"shopId"', 'created_at']],
    ])
    const server = await readServerFacts(query, { database: 'postgresql' })
    expect(server.extensions.hypopg).toBe('missing')
    expect(await proveIndexes(query, candidates, server)).toEqual(candidates)
    const found = recommendations(taken, { schema, server })
    expect(found.map(({ code }) => code)).toEqual(['missing-index', 'missing-index'])
    for (const { fix } of found) {
      const [ddl] = fix.split(', after') as [string]
      await client.query(ddl)
    }
    // With the indexes there, the same statements lack none.
    for (const [index, name] of ['email', 'shop'].entries())
      plans[index] = await planOf(name, statements[name as 'email' | 'shop'])
    expect(indexCandidates({ ...taken, plans }, schema)).toEqual([])
  })
})
