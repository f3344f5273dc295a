import { ConnectionDestroyedError, ConnectionLostError, QueryTimeoutError } from '@connmgr/core'
import { type Report, report } from '../../test/messages.js'
import { endsSession, isDeliberate, isUnresolved, provesRollback } from './evidence.js'
import { learnSeverity, severityOf } from './severity.js'

/** An error as pg-protocol gives it. */
const received = ({ S, C, M, R }: Report) => ({ severity: S, code: C, message: M, routine: R })
const fatal = (code: string, routine?: string) => ({ severity: 'FATAL', code, routine })

describe('a rollback is proven', () => {
  test.each([
    ['admin_shutdown', '57P01'],
    ['crash_shutdown', '57P02'],
    ['database_dropped', '57P04'],
    ['idle_session_timeout', '57P05'],
    ['idle_in_transaction_session_timeout', '25P03'],
    ['transaction_timeout', '25P04'],
    ['a conflict with recovery', '40001'],
  ])('by FATAL %s of the server itself', (_name, code) => {
    expect(provesRollback(fatal(code, 'ProcessInterrupts'))).toBe(true)
    expect(provesRollback({ ...fatal(code, 'ProcessInterrupts'), severity: 'PANIC' })).toBe(false)
    expect(provesRollback({ ...fatal(code, 'ProcessInterrupts'), severity: 'ERROR' })).toBe(false)
    // As a proxy would say it.
    expect(provesRollback(fatal(code))).toBe(false)
    // In a signal handler, which may strike in the midst of a commit.
    expect(provesRollback(fatal(code, 'quickdie'))).toBe(false)
  })

  test.each([
    ['a full disk', '53100'],
    ['memory', '53200'],
    ['an input or output error', '58030'],
    ['a violation of the protocol', '08P01'],
    ['an internal error', 'XX000'],
    ['corrupted data', 'XX001'],
    ['a cancelled statement', '57014'],
    ['a starting server', '57P03'],
  ])('by no other FATAL: %s', (_name, code) => {
    expect(provesRollback(fatal(code, 'errfinish'))).toBe(false)
    expect(endsSession(fatal(code, 'errfinish'))).toBe(true)
  })

  test('where the severity is not known, by a routine that raises nothing less and nothing more', () => {
    const translated = { severity: 'ВАЖНО', code: '57P01', routine: 'ProcessInterrupts' }
    expect(provesRollback(translated)).toBe(true)
    expect(provesRollback({ ...translated, routine: 'another' })).toBe(false)
    expect(provesRollback({ ...translated, code: '40001' })).toBe(false)
  })
})

describe('the severity', () => {
  const russian: Report = { S: 'ПАНИКА', V: 'PANIC', C: '57P01', M: 'беда', R: 'XLogWrite' }

  test('of a server that speaks another language is found in its bytes', () => {
    const message = received(russian)
    expect(severityOf(message)).toBeUndefined()
    learnSeverity(message, Buffer.concat([Buffer.from('rows'), report('E', russian)]))
    expect(severityOf(message)).toBe('PANIC')
    expect(provesRollback(message)).toBe(false)
    expect(endsSession(message)).toBe(true)
  })

  test('of an ordinary error in another language is no end of the session', () => {
    const message = received({ ...russian, S: 'ОШИБКА', V: 'ERROR', C: '23505' })
    learnSeverity(message, report('E', { ...russian, S: 'ОШИБКА', V: 'ERROR', C: '23505' }))
    expect(endsSession(message)).toBe(false)
  })

  test('is unknown if the bytes are of another message, or in pieces; then the session counts as ended', () => {
    const message = received(russian)
    learnSeverity(message, report('E', { ...russian, C: '23505' }))
    learnSeverity(message, report('E', russian).subarray(20))
    expect(severityOf(message)).toBeUndefined()
    expect(endsSession(message)).toBe(true)
  })
})

describe('the end of a session', () => {
  test.each([
    ['of a proxy that lost its server', { severity: 'ERROR', code: '08P01' }, true],
    ["of the server's own protocol", { severity: 'ERROR', code: '08P01', routine: 'a' }, false],
    ['by a function of the user', { severity: 'ERROR', code: '57P01', routine: 'raise' }, false],
    ['by bytes that are no protocol', { message: 'received invalid response: 7' }, true],
    ['by an error of the client', { message: 'unreadable' }, false],
  ])('%s', (_what, message, ends) => expect(endsSession(message)).toBe(ends))
})

test.each(['40003', '08007'])('%s says itself that the outcome is unknown', (code) => {
  expect(isUnresolved({ code })).toBe(true)
})

describe('an end is on purpose', () => {
  const withCode = (code: string) => Object.assign(new Error(code), { code })
  test.each<[string, unknown]>([
    ['by queryTimeoutMs', new QueryTimeoutError(10)],
    ['by query_timeout', new Error('Query read timeout')],
    ['by the end of a lease', new ConnectionDestroyedError('enough')],
    ['by idle_in_transaction_session_timeout', withCode('25P03')],
    ['by transaction_timeout', withCode('25P04')],
    ['by idle_session_timeout', withCode('57P05')],
    [
      'by a limit of PgBouncer',
      Object.assign(new Error('idle transaction timeout'), { code: '08P01' }),
    ],
  ])('%s, whatever wraps it', (_what, cause) => {
    expect(isDeliberate(cause)).toBe(true)
    const wrapped = new Error('Connection terminated', {
      cause: new ConnectionLostError('a', cause),
    })
    expect(isDeliberate(wrapped)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['by the end of a backend', withCode('57P01')],
    ['by a reset', withCode('ECONNRESET')],
    ['by nothing', undefined],
  ])('but not %s', (_what, cause) => expect(isDeliberate(cause)).toBe(false))

  test('a circle of causes ends', () => {
    const error = new Error('a')
    error.cause = error
    expect(isDeliberate(error)).toBe(false)
  })
})
