import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { PrismaPg } from '@prisma/adapter-pg'
import { fingerprintSync, loadModule } from 'libpg-query'
import { PrismaClient } from '../../../prisma/test/generated/client.js'
import { drizzleStatement } from '../../test/corpus/drizzle.js'
import { knexStatement } from '../../test/corpus/knex.js'
import { kyselyStatement } from '../../test/corpus/kysely.js'
import { Random } from '../../test/corpus/random.js'
import {
  openMikro,
  openPrisma,
  openTypeorm,
  RECORDED_TABLES,
  recordTexts,
} from '../../test/corpus/recorded.js'
import { sequelizeStatement } from '../../test/corpus/sequelize.js'
import { fingerprintOf } from './fingerprints.js'

const SEED = 20_261_127
const RENDERED = 4000
const RUNS = 120

let cluster: PostgresCluster
let texts: string[]
beforeAll(async () => {
  await loadModule()
  cluster = await startCluster()
  for (const text of RECORDED_TABLES) await cluster.primary.query(text)
  texts = await corpus()
})
afterAll(() => cluster.stop())

/** Texts of seven libraries: those that render without a server, and those that run on one. */
async function corpus(): Promise<string[]> {
  const random = new Random(SEED)
  const written = new Set<string>()
  const render = [kyselyStatement, knexStatement, drizzleStatement, sequelizeStatement]
  for (let made = 0; made < RENDERED; made += 1) written.add(random.pick(render)(random))
  const stop = recordTexts(written)
  try {
    const url = cluster.primary.url()
    for (const open of [
      () => openTypeorm({ type: 'postgres', url }),
      () => openPrisma(new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })),
      () => openMikro(url),
    ]) {
      const library = await open()
      const before = written.size
      for (let run = 0; run < RUNS; run += 1) await library.run(random)
      await library.close()
      // Each writes statements that no other does.
      expect(written.size - before).toBeGreaterThan(10)
    }
  } finally {
    stop()
  }
  return [...written]
}

/**
 * The fingerprint as coarse as libpg-query's, which on purpose ours is not. It takes the same words in another order for
 * the same (columns, SET, conditions), ignores LIMIT, OFFSET and superfluous parentheses, and takes `= ?` for IN.
 */
function coarse(text: string): string {
  const words = text
    .replace(/ (?:limit|offset) \?/g, '')
    .replace(/= any\(\?\)/g, '= ?')
    .replace(/(?:=|\bin) \(?\?/g, 'in ?')
    .replace(/[()]/g, ' ')
    .match(/"[^"]*"|\w+|[^\s\w]/g)
  return [...new Set(words)].sort().join(' ')
}

test('groups statements of seven libraries as libpg-query does', () => {
  expect(texts.length).toBeGreaterThan(2000)
  const ours = new Map<string, Map<string, string>>()
  const theirs = new Map<string, Map<string, string>>()
  const group = (in_: Map<string, Map<string, string>>, id: string, key: string, text: string) =>
    in_.set(id, (in_.get(id) ?? new Map()).set(key, text))
  for (const text of texts) {
    const their = fingerprintSync(text)
    const { fingerprint } = fingerprintOf(text, 'postgresql')
    group(ours, fingerprint.id, their, text)
    group(theirs, their, coarse(fingerprint.text), text)
  }
  // Not one of ours holds what they tell apart.
  expect([...ours.values()].filter(({ size }) => size > 1).map((each) => [...each])).toEqual([])
  // What they hold together and we tell apart differs in what `coarse` names.
  expect([...theirs.values()].filter(({ size }) => size > 1).map((each) => [...each])).toEqual([])
  expect(theirs.size).toBeGreaterThan(500)
})

test('a text of a fingerprint has the same fingerprint: it is without values', () => {
  for (const text of texts) {
    const { fingerprint, literals } = fingerprintOf(text, 'postgresql')
    const again = fingerprintOf(fingerprint.text.replaceAll('?', '1'), 'postgresql')
    expect(again.fingerprint.id).toBe(fingerprint.id)
    expect(literals).toBeGreaterThanOrEqual(0)
  }
})
