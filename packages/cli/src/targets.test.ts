import { runCommand } from '../test/run-command.js'
import { resolveTargets } from './targets.js'

const idsOf = async (urls: string[], env = {}): Promise<string[]> =>
  (await resolveTargets(urls, env)).map(({ endpoint, kind }) => `${kind} ${endpoint.id}`)

test('servers come from the options, else from the environment, and are never mixed', async () => {
  const env = {
    DATABASE_URL: 'postgres://app@db1/shop',
    DATABASE_FAILOVER_URLS: 'postgres://db2,postgres://db3:6000',
  }
  expect(await idsOf([], env)).toEqual([
    'postgresql db1:5432/shop',
    'postgresql db2:5432/shop',
    'postgresql db3:6000/shop',
  ])
  expect(await idsOf(['mysql://app@db9/shop'], env)).toEqual(['mysql db9:3306/shop'])
  expect(await idsOf(['mariadb://a@one/x', 'mysql://two'], env)).toEqual([
    'mysql one:3306/x',
    'mysql two:3306/x',
  ])
  expect(await idsOf(['file:app.db?mode=ro'])).toEqual(['sqlite file:app.db'])
})

test.each([
  ['nothing', [], /no database is named/],
  ['another scheme', ['redis://:hidden-word@cache'], /no URL of a database/],
  ['Prisma Accelerate', ['prisma://accelerate?api_key=hidden-word'], /no URL of a database/],
  ['a broken URL', ['postgres://app:hidden-word@[broken'], /not a valid URL/],
  [
    'a misspelt parameter',
    ['postgres://app:hidden-word@db/x?sslmod=require'],
    /did you mean "sslmode"/,
  ],
  ['two kinds', ['postgres://app@db/x', 'mysql://app:hidden-word@db/x'], /scheme/],
  ['a file and a server', ['file:app.db', 'postgres://app:hidden-word@db/x'], /one kind/],
])('%s is a mistake in the call, reported without secrets', async (_, urls, message) => {
  const args = urls.flatMap((url) => ['--url', url])
  for (const command of ['doctor', 'check']) {
    const { code, stderr, stdout } = await runCommand([command, ...args])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr + stdout).not.toContain('hidden-word')
  }
})

test.each([
  [['--urll', 'postgres://app:hidden-word@db/x'], /--urll/],
  [['--urll=postgres://app:hidden-word@db/x'], /--urll/],
  [['postgres://app:hidden-word@db/x'], /behind --url/],
  [
    ['--instances', 'many', '--url', 'postgres://app:hidden-word@db/x'],
    /--instances must be a whole number/,
  ],
  [['--url', 'postgres://db/x', '--instances', '0'], /at least 1/],
  [['--fail-on', 'everything'], /one of critical, warning, advice, never/],
  [['--url'], /--url/],
])('an option that is wrong is named, and no URL is printed: %j', async (args, message) => {
  const { code, stderr, stdout } = await runCommand(['doctor', ...args])
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
  expect(stderr).toContain('See connmgr doctor --help')
  expect(stderr + stdout).not.toContain('hidden-word')
})
