import { knownCatalog } from '../../test/known-catalog.js'
import { stageAtEnd } from './evidence.js'
import { type InFlight, lossOf } from './in-flight.js'

const cause = new Error('cut')
const write = 'insert into item values (1)'
const read = 'select * from item'
const catalog = knownCatalog()

const LOST = 'CONNMGR_CONNECTION_LOST'
const UNKNOWN = 'CONNMGR_COMMIT_OUTCOME_UNKNOWN'

test.each<[string, InFlight, string]>([
  ['a write that was not sent', { text: write, status: 'I', stage: 'unsent' }, LOST],
  ['a COMMIT that was not sent', { text: 'commit', status: 'T', stage: 'unsent' }, LOST],
  ['a write in a transaction', { text: write, status: 'T', stage: 'sent' }, LOST],
  ['a write in a failed transaction', { text: write, status: 'E', stage: 'sent' }, LOST],
  ['the COMMIT of a failed transaction', { text: 'commit', status: 'E', stage: 'sent' }, UNKNOWN],
  ['a COMMIT', { text: 'commit', status: 'T', stage: 'sent' }, UNKNOWN],
  ['a COMMIT that was aborted', { text: 'commit', status: 'T', stage: 'aborted' }, UNKNOWN],
  ['a COMMIT without a known state', { text: 'commit', status: null, stage: 'sent' }, UNKNOWN],
  [
    'a write and a COMMIT at once',
    { text: `${write};commit`, status: 'T', stage: 'sent' },
    UNKNOWN,
  ],
  ['a write by itself', { text: write, status: 'I', stage: 'sent' }, UNKNOWN],
  ['a write without a known state', { text: write, status: undefined, stage: 'sent' }, UNKNOWN],
  ['a read by itself', { text: read, status: 'I', stage: 'sent', catalog }, LOST],
  ['a read of a database that is not known', { text: read, status: 'I', stage: 'sent' }, UNKNOWN],
  ['a read without a known state', { text: read, status: undefined, stage: 'sent', catalog }, LOST],
  ['a write that was aborted', { text: write, status: 'I', stage: 'aborted' }, LOST],
  ['a procedure that was aborted', { text: 'call a()', status: 'I', stage: 'aborted' }, UNKNOWN],
  ['a statement without text', { text: undefined, status: 'I', stage: 'sent' }, UNKNOWN],
  ['the begin of a transaction', { text: 'BEGIN', status: 'I', stage: 'sent' }, LOST],
])('%s', (_what, statement, code) => {
  expect(lossOf(statement, cause)).toMatchObject({
    code,
    cause,
    message: expect.stringMatching(/: cut$/),
    ...(code === LOST ? { sent: statement.stage !== 'unsent' } : { sqlState: '08007' }),
  })
})

test('only PostgreSQL itself, and only before the end of a command, tells that it was aborted', () => {
  const ended = { code: '57P01', routine: 'ProcessInterrupts' }
  expect(stageAtEnd({}, ended)).toBe('aborted')
  expect(stageAtEnd({ _result: { command: null } }, ended)).toBe('aborted')
  expect(stageAtEnd({ _result: { command: 'INSERT' } }, ended)).toBe('sent')
  expect(stageAtEnd({}, { code: '57P01' })).toBe('sent')
})

test('PgBouncer tells that it had no server to send it to, or that it lost one', () => {
  const fromBouncer = { code: '08P01', severity: 'FATAL' }
  const refusal = 'server login has been failing, try again later (server_login_retry)'
  expect(stageAtEnd({}, { ...fromBouncer, message: refusal })).toBe('unsent')
  expect(stageAtEnd({}, { ...fromBouncer, message: 'query_wait_timeout' })).toBe('unsent')
  expect(stageAtEnd({}, { ...fromBouncer, message: 'server conn crashed?' })).toBe('sent')
  // Code that raises such an error in PostgreSQL itself is named.
  const own = { ...fromBouncer, routine: 'exec_stmt_raise', message: refusal }
  expect(stageAtEnd({}, own)).toBe('sent')
})

test('a statement that was given up on is not reported as having lost its connection', () => {
  const timeout = new Error('Query read timeout')
  expect(lossOf({ text: write, status: 'I', stage: 'sent' }, timeout).message).toMatch(
    /given up on/,
  )
})
