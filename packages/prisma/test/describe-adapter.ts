import { describeErrors } from './describe-errors.js'
import { describeLeaks } from './describe-leaks.js'
import { describeModels } from './describe-models.js'
import { describeOwnership } from './describe-ownership.js'
import { describeTransactions } from './describe-transactions.js'
import { type AdapterHarness, Clients } from './harness.js'

/**
 * Tests that a managed client of one database does all that a client of Prisma does, and what a manager adds to it. Every
 * binding calls this with a real database, which has the tables of `schema.prisma`.
 *
 * @param setup called once; its `close` is called at the end
 */
export function describeAdapter(name: string, setup: () => Promise<AdapterHarness>): void {
  describe(`Prisma over ${name}`, () => {
    let harness: AdapterHarness
    const clients = new Clients(() => harness)
    beforeAll(async () => {
      harness = await setup()
    })
    afterEach(async () => {
      await clients.close()
      await harness.clear()
    })
    afterAll(() => harness.close())
    describeModels(clients)
    describeTransactions(clients)
    describeOwnership(clients)
    describeLeaks(clients)
    describeErrors(clients)
  })
}
