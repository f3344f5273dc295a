import { patient } from '@connmgr/testing'
import { errorOf, type Subjects } from './subjects.js'

/** Errors are those of Sequelize. */
export function describeErrors(subjects: Subjects): void {
  test('an exhausted pool is the error of Sequelize for that, with the report of the pool', async () => {
    const { sequelize, User } = subjects.open({
      poolSize: 1,
      maxOverflow: 0,
      acquireTimeoutMs: patient(100),
    })
    const holding = await sequelize.transaction()
    await expect(User.count()).rejects.toMatchObject({
      name: 'SequelizeConnectionAcquireTimeoutError',
      parent: { code: 'CONNMGR_ACQUIRE_TIMEOUT', counts: { inUse: 1 } },
    })
    await expect(sequelize.transaction()).rejects.toMatchObject({
      parent: { code: 'CONNMGR_ACQUIRE_TIMEOUT' },
    })
    await holding.rollback()
    expect(await User.count()).toBe(0)
  })

  test('a refused connection or login is the error of Sequelize for that, without the password', async () => {
    const url = new URL(subjects.harness.url())
    url.password = 'wrong-s3cr3t'
    const wrong = subjects.manage(subjects.plain({}, url.href), { acquireTimeoutMs: patient(3000) })
    if (subjects.harness.asksForPassword)
      expect(await errorOf(wrong.authenticate())).toMatchObject({
        name: 'SequelizeAccessDeniedError',
      })
    url.port = '1'
    const nowhere = subjects.manage(subjects.plain({}, url.href), {
      acquireTimeoutMs: patient(300),
    })
    expect(await errorOf(nowhere.authenticate())).toMatchObject({
      name: 'SequelizeConnectionAcquireTimeoutError',
      parent: { cause: { code: 'ECONNREFUSED' } },
    })
  })
}
