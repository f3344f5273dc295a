import { describeErrors } from './describe-errors.js'
import { describeModels } from './describe-models.js'
import { describeServers } from './describe-servers.js'
import { describeTransactions } from './describe-transactions.js'
import { type Harness, Subjects } from './subjects.js'

/** The tests that Sequelize on a manager passes, whatever is below it. */
export function describeSequelize(
  describeIt: (name: string, tests: () => void) => void,
  name: string,
  harness: Harness,
): void {
  describeIt(name, () => {
    const subjects = new Subjects(harness)

    beforeAll(async () => {
      await harness.start()
      await subjects.open().User.sync()
    })
    afterEach(async () => {
      await subjects.close()
      const { User } = subjects.open()
      await User.destroy({ where: {} })
      await subjects.close()
    })
    afterAll(() => harness.stop())

    describeModels(subjects)
    describeTransactions(subjects)
    describeErrors(subjects)
    // Last, because it changes the cluster.
    describeServers(subjects)
  })
}
