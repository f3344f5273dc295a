import path from 'node:path'
import { locate } from './location.js'

const at = (given: string) => locate(given, 'databaseUrl')
const here = (name: string) => path.resolve(name)

test.each([
  ['app.db', here('app.db')],
  ['./data/app.db', here('data/app.db')],
  ['/var/lib/app.db', '/var/lib/app.db'],
  ['file:app.db', here('app.db')],
  ['file:./prisma/dev.db', here('prisma/dev.db')],
  ['file:../dev.db?connection_limit=1', here('../dev.db')],
  ['file:/var/lib/app.db', '/var/lib/app.db'],
  ['file:///var/lib/app.db', '/var/lib/app.db'],
  ['file://localhost/var/lib/app.db', '/var/lib/app.db'],
  ['file:///var/lib/my%20app%3F.db', '/var/lib/my app?.db'],
  ['sqlite:app.db', here('app.db')],
  ['sqlite:///var/lib/app.db', '/var/lib/app.db'],
])('%s is a file', (given, expected) => {
  expect(at(given)).toMatchObject({ path: expected, isFile: true, id: expected })
})

test.each([
  ':memory:',
  'file::memory:',
  'sqlite::memory:',
  'sqlite://:memory:',
  'file:x?mode=memory&cache=shared',
])('%s is in memory', (given) => {
  expect(at(given)).toMatchObject({ path: ':memory:', isFile: false })
})

test('an empty text is a temporary database', () => {
  expect(at('')).toMatchObject({ path: '', isFile: false })
})

test('a URL can say that the database is only read', () => {
  expect(at('file:app.db?mode=ro').readOnly).toBe(true)
  expect(at('file:app.db').readOnly).toBe(false)
})

test.each([
  ['libsql://db.example.org', /file: or sqlite:/],
  ['file://server/share/app.db', /three slashes/],
  ['file:app.db?vfs=unix-none', /without the parameter "vfs"/],
  ['file:100%.db', /percent/],
])('%s is refused', (given, why) => {
  expect(() => at(given)).toThrow(why)
})
