import { inspect } from 'node:util'
import { getConnections, withConnectionManager } from '../src/index.js'
import { ask, namesIn, type Subjects } from './subjects.js'

/** Models, sessions, hooks and options are those of Sequelize. */
export function describeModels(subjects: Subjects): void {
  test('models are written and read on managed connections, which go back', async () => {
    const { sequelize, User } = subjects.open({ poolSize: 2, maxOverflow: 0 })
    await sequelize.authenticate()
    const joinedAt = new Date('2026-02-03T04:05:06Z')
    const ada = await User.create({ name: 'Ada', joinedAt })
    await User.bulkCreate([{ name: 'Grace' }, { name: 'Barbara' }])
    expect(await namesIn(User)).toEqual(['Ada', 'Grace', 'Barbara'])
    expect((await User.findByPk(ada.id))?.joinedAt).toEqual(joinedAt)
    expect(await User.update({ n: 7 }, { where: { name: ['Ada', 'Grace'] } })).toEqual([2])
    expect(await User.sum('n')).toBe(14)
    await expect(User.create({ name: 'Ada' })).rejects.toThrow(
      expect.objectContaining({ name: 'SequelizeUniqueConstraintError' }),
    )
    expect(await User.count()).toBe(3)
    const { checkedOut, totalConnectionsCreated, totalCheckouts } =
      getConnections(sequelize).getPoolMetrics()
    expect(checkedOut).toBe(0)
    expect(totalConnectionsCreated).toBeLessThanOrEqual(2)
    expect(totalCheckouts).toBeGreaterThan(8)
  })

  test('sessions have the time zone that Sequelize was given, also after one was changed', async () => {
    const { sequelize } = subjects.open({ poolSize: 1, maxOverflow: 0 }, { timezone: '+02:00' })
    for (let round = 0; round < 3; round += 1) {
      expect(await ask(sequelize, subjects.harness.zone)).toEqual({
        zone: subjects.harness.twoHoursAhead,
      })
      await sequelize.query(subjects.harness.changeZone)
    }
    expect(getConnections(sequelize).getPoolMetrics().totalConnectionsCreated).toBe(1)
  })

  test('hooks are run as before, and may change the password of each connect', async () => {
    const url = new URL(subjects.harness.url())
    const password = decodeURIComponent(url.password)
    url.password = 'wrong'
    const sequelize = subjects.plain({}, url.href)
    const seen: string[] = []
    sequelize.addHook('beforeConnect', (config: object) => {
      seen.push('beforeConnect')
      Object.assign(config, { password })
    })
    sequelize.addHook('afterConnect', () => {
      seen.push('afterConnect')
    })
    subjects.manage(sequelize)
    await sequelize.authenticate()
    const expected = subjects.harness.asksForPassword
      ? ['beforeConnect', 'afterConnect']
      : ['afterConnect']
    expect(seen.slice(0, expected.length)).toEqual(expected)
  })

  test('what cannot be managed is refused, and nothing shows a password', () => {
    const { sequelize } = subjects.open()
    expect(() => withConnectionManager(sequelize)).toThrow(/has a manager already/)
    const plain = subjects.plain()
    expect(() => getConnections(plain)).toThrow(/withConnectionManager\(sequelize\)/)
    expect(() => withConnectionManager(plain, { poolsize: 5 } as object)).toThrow(
      /did you mean "poolSize"/,
    )
    expect(() => withConnectionManager(plain, getConnections(sequelize) as object)).toThrow(
      /a manager was passed/,
    )
    const zoned = subjects.plain({ timezone: "' or 1" })
    expect(() => withConnectionManager(zoned)).toThrow(/timezone/)
    const shown = inspect(getConnections(sequelize), { depth: 9 })
    expect(shown).not.toContain(subjects.harness.secret)
  })
}
