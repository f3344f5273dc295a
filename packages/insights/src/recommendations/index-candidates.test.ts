import { plan, scanned } from '../../test/recommendations/faults.js'
import { distribution, snapshot, statement } from '../../test/recommendations/healthy.js'
import type { ScannedTable } from '../server-facts/schema-facts.js'
import { comparedColumns, indexCandidates } from './index-candidates.js'

test('no index is missing that is there: the plan may be older than the rows', () => {
  const filter = '((users.email = $1) AND (users.city = $2))'
  const shapes = ['email, city', 'city, email, id', 'city', 'id, email, city'].map((index) => {
    const [table] = scanned.scannedTables
    const schema = { ...scanned, scannedTables: [{ ...(table as ScannedTable), indexes: [index] }] }
    return indexCandidates(
      snapshot({ plans: [plan(filter)], statements: [statement({ run: distribution(5000, 40) })] }),
      schema,
    ).length
  })
  expect(shapes).toEqual([0, 0, 1, 1])
})

test.each([
  ['(users.email = $1)', ['email']],
  ["((users.email)::text = '?'::text)", ['email']],
  ['((u.status = $1) AND (u.created_at > $2))', ['status', 'created_at']],
  ['((u.created_at >= $1) AND (u.status = ANY ($2)) AND (u.age < 5))', ['status', 'created_at']],
  ['("Order"."shopId" = $1)', ['"shopId"']],
  ['(lower((users.email)::text) = $1)', []],
  ['((users.a - users.b) = 5)', []],
  ['((users.a = 1) OR (users.b = 2))', []],
  ['(users.a = users.b)', []],
  ["(users.name ~~ '%x%'::text)", []],
  ['(users.a <> $1)', []],
  ['(users.deleted_at IS NULL)', []],
])('an index for %s has the columns %j', (filter, columns) => {
  expect(comparedColumns(filter)).toEqual(columns)
})
