import { CommitOutcomeUnknownError, ConnectionLostError } from '@connmgr/core'
import { requireMariadb } from '../proof/chaos/src/mariadb/database.js'
import { MissingProgramsError } from '../proof/chaos/src/missing-programs.js'
import { failureClassOf } from '../proof/demo/src/mariadb/failure-class.js'

describe('what the failure of a write says about the write, on MariaDB', () => {
  const answer = (errno: number, message = 'no') => Object.assign(new Error(message), { errno })
  const lost = Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true })

  test.each([
    ['a connection lost while it was in flight', lost, 'unknown'],
    [
      'an outcome that is said to be unknown',
      new CommitOutcomeUnknownError(lost, 'unknown'),
      'unknown',
    ],
    [
      'one lost before it was sent',
      new ConnectionLostError('lost', lost, { sent: false }),
      'not-sent',
    ],
    ['one that was rolled back', new ConnectionLostError('lost', lost, { sent: true }), 'aborted'],
    ['a refusal by read_only', answer(1290, 'running with the --read-only option'), 'refused'],
    ['a deadlock', answer(1213), 'conflict'],
    ['too many connections', answer(1040), 'not-sent'],
    ['a duplicate key', answer(1062), 'statement'],
    ['an error that no server has sent', new Error('odd'), 'unknown'],
    ['the same inside another error', new Error('wrapped', { cause: answer(1062) }), 'statement'],
  ])('%s', (_what, error, expected) => {
    expect(failureClassOf(error)).toBe(expected)
  })
})

describe('MariaDB for the scenarios', () => {
  const found = { mariadbd: '/usr/sbin/mariadbd', systemTables: [] }

  test('is installed where it is missing and may be installed', () => {
    let installed = false
    const install = () => {
      installed = true
    }
    requireMariadb(() => {}, {
      find: () => (installed ? found : undefined),
      mayInstall: () => true,
      install,
    })
    expect(installed).toBe(true)
  })

  test('is asked for, with the command that installs it, where it may not be installed', () => {
    const missing = () =>
      requireMariadb(() => {}, {
        find: () => undefined,
        mayInstall: () => false,
        install: () => {
          throw new Error('not allowed')
        },
      })
    expect(missing).toThrow(MissingProgramsError)
    expect(missing).toThrow(/apt-get install .*mariadb-server-core/)
  })

  test('an installation that fails is reported in its own words', () => {
    const failing = () =>
      requireMariadb(() => {}, {
        find: () => undefined,
        mayInstall: () => true,
        install: () => {
          throw new Error('apt-get install failed')
        },
      })
    expect(failing).toThrow(MissingProgramsError)
    expect(failing).toThrow('apt-get install failed')
  })
})
