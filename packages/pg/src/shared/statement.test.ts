import { Statement, Statements } from './statement.js'

function runs(statement: Statement, times: number, durationMs: number): void {
  for (let run = 0; run < times; run += 1) statement.ran(durationMs)
}

test('a statement is known as slow after its first run if that was', () => {
  const statement = new Statement('select pg_sleep(1)')
  expect(statement.slow).toBe(false)
  statement.ran(1000)
  expect(statement.slow).toBe(true)
})

test('one slow run among many fast ones does not make a statement slow; a few do', () => {
  const statement = new Statement('select 1')
  runs(statement, 20, 1)
  statement.ran(60_000)
  expect(statement.slow).toBe(false)
  runs(statement, 3, 60_000)
  expect(statement.slow).toBe(true)
})

test('a statement that has become fast is soon known as fast, however slow it was', () => {
  const statement = new Statement('select 1')
  runs(statement, 100, 60_000)
  runs(statement, 50, 1)
  expect(statement.slow).toBe(false)
})

test('statements with one text are one, and no more are kept in mind than a thousand', () => {
  const statements = new Statements()
  const first = statements.get('select 0')
  for (let text = 1; text < 1000; text += 1) statements.get(`select ${text}`)
  expect(statements.get('select 0')).toBe(first)
  statements.get('select 1000')
  expect(statements.get('select 0')).not.toBe(first)
})
