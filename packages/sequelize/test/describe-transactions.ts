import { allAtOnce, CALLERS_AT_ONCE, UndoneError } from '@connmgr/testing'
import { getConnections, replayTransaction } from '../src/index.js'
import { checkedOut, namesIn, type Subjects } from './subjects.js'

/** Transactions keep all or nothing, whatever happens to their connection. */
export function describeTransactions(subjects: Subjects): void {
  test('a rollback keeps nothing, and nested transactions are savepoints', async () => {
    const { sequelize, User } = subjects.open()
    const undone = sequelize.transaction(async (transaction) => {
      await User.create({ name: 'undone' }, { transaction })
      throw new UndoneError()
    })
    await expect(undone).rejects.toThrow(UndoneError)
    await sequelize.transaction(async (transaction) => {
      await User.create({ name: 'kept' }, { transaction })
      await sequelize
        .transaction({ transaction }, async (inner) => {
          await User.create({ name: 'dropped' }, { transaction: inner })
          throw new Error('inner')
        })
        .catch(() => {})
    })
    const unmanaged = await sequelize.transaction()
    await User.create({ name: 'unmanaged' }, { transaction: unmanaged })
    expect(await namesIn(User, unmanaged)).toEqual(['kept', 'unmanaged'])
    expect(await namesIn(User)).toEqual(['kept'])
    await unmanaged.rollback()
    expect(await namesIn(User)).toEqual(['kept'])
    expect(checkedOut(sequelize)).toBe(0)
  })

  test('of 50 concurrent callers of mixed transactions none loses anything or sees what others undo', async () => {
    const { sequelize, User } = subjects.open({ poolSize: 5, maxOverflow: 0 })
    const { id } = await User.create({ name: 'counter' })
    const acknowledged: string[] = ['counter']
    const call = async (number: number): Promise<void> => {
      const name = `caller ${number}`
      const kind = number % 5
      if (kind === 0) await User.create({ name })
      else if (kind === 1) await User.findAll()
      else
        await sequelize.transaction(async (transaction) => {
          await User.increment('n', { where: { id }, transaction })
          await User.create({ name }, { transaction })
          if (kind === 2) throw new UndoneError()
          expect(await User.count({ where: { name }, transaction })).toBe(1)
        })
      if (kind !== 1) acknowledged.push(name)
    }
    const failures = await allAtOnce(call)
    expect(failures).toEqual([])
    expect((await namesIn(User)).sort()).toEqual(acknowledged.sort())
    expect((await User.findOne({ where: { name: 'counter' } }))?.n).toBe((CALLERS_AT_ONCE / 5) * 2)
    expect(getConnections(sequelize).getPoolMetrics()).toMatchObject({
      checkedOut: 0,
      waiting: 0,
    })
  })

  test('a connection that is lost in a transaction does not hide the error of the work, and is replaced', async () => {
    const { sequelize, User } = subjects.open({ poolSize: 1, maxOverflow: 0 })
    const warning = jest.spyOn(console, 'warn').mockImplementation(() => {})
    const running = sequelize.transaction(async (transaction) => {
      await User.create({ name: 'lost' }, { transaction })
      await subjects.harness.cutOff(sequelize, transaction)
      throw new Error('the first')
    })
    await expect(running).rejects.toThrow('the first')
    warning.mockRestore()
    expect(await namesIn(User)).toEqual([])
    expect(checkedOut(sequelize)).toBe(0)
  })

  test('a leak is named by function, file and line', async () => {
    const { sequelize, User } = subjects.open({
      leakDetection: { thresholdMs: 50, captureStack: 'always' },
    })
    await User.count()
    async function forgetful() {
      const transaction = await sequelize.transaction()
      await User.create({ name: 's3cr3t' }, { transaction })
      return transaction
    }
    const detected = new Promise((resolve) => getConnections(sequelize).on('leakDetected', resolve))
    const transaction = await forgetful()
    await detected
    const leaks = getConnections(sequelize).detectLeaks()
    expect(leaks).toMatchObject([
      {
        checkedOutBy: expect.stringMatching(/^forgetful \(.*describe-transactions\.ts:\d+:\d+\)$/),
        lastQuery: expect.stringMatching(/^INSERT INTO/i),
      },
    ])
    await transaction.commit()
    expect(checkedOut(sequelize)).toBe(0)
  })

  test('a transaction that meets a conflict is run again, and written once', async () => {
    const { sequelize, User } = subjects.open()
    expect(await User.count()).toBe(0)
    await subjects.harness.untilReplayable?.(getConnections(sequelize))
    const result = await replayTransaction(sequelize, async (transaction, attempt) => {
      await User.create({ name: `attempt ${attempt}` }, { transaction })
      if (attempt < 3) await subjects.harness.conflict(sequelize, transaction)
      return attempt
    })
    expect(result).toBe(3)
    expect(await namesIn(User)).toEqual(['attempt 3'])
    let attempts = 0
    const failing = replayTransaction(sequelize, async (transaction) => {
      attempts += 1
      await User.create({ name: 'undone' }, { transaction })
      throw new Error('sold out')
    })
    await expect(failing).rejects.toThrow('sold out')
    expect(attempts).toBe(1)
    expect(checkedOut(sequelize)).toBe(0)
  })

  test('close waits for a transaction and closes the manager', async () => {
    const { sequelize, User } = subjects.open()
    let closing: Promise<void> | undefined
    await sequelize.transaction(async (transaction) => {
      await User.create({ name: 'last' }, { transaction })
      closing = sequelize.close()
      expect(await namesIn(User, transaction)).toEqual(['last'])
    })
    await closing
    expect(getConnections(sequelize).closed).toBe(true)
    await expect(User.count()).rejects.toThrow(/closed/)
    expect(await namesIn(subjects.open().User)).toEqual(['last'])
  })
}
