import { CommitOutcomeUnknownError, ConnectionLostError } from '@connmgr/core'
import { MARIADB } from '@connmgr/testing'
import { MissingProgramsError } from '../proof/chaos/src/missing-programs.js'
import { requireServers } from '../proof/chaos/src/mysql/database.js'
import { failureClassOf } from '../proof/demo/src/mysql/failure-class.js'

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

describe('the servers for the scenarios', () => {
  const found = { server: '/usr/sbin/mariadbd', argv: () => [], makeFiles: async () => {} }
  const never = () => {
    throw new Error('not allowed')
  }

  test('are installed where they are missing and may be installed', () => {
    let installed = false
    const product = { ...MARIADB, find: () => (installed ? found : undefined) }
    const install = () => {
      installed = true
    }
    requireServers(product, () => {}, { mayInstall: () => true, install })
    expect(installed).toBe(true)
  })

  test('are asked for, with the command that installs them, where they may not be installed', () => {
    const product = { ...MARIADB, find: () => undefined }
    const missing = () =>
      requireServers(product, () => {}, { mayInstall: () => false, install: never })
    expect(missing).toThrow(MissingProgramsError)
    expect(missing).toThrow(/apt-get install .*mariadb-server-core/)
  })

  test('an installation that fails is reported in its own words', () => {
    const product = { ...MARIADB, find: () => undefined }
    const failing = () =>
      requireServers(product, () => {}, { mayInstall: () => true, install: never })
    expect(failing).toThrow(MissingProgramsError)
    expect(failing).toThrow('not allowed')
  })
})
