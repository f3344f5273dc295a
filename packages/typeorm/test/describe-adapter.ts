import { describeCrud } from './crud.js'
import type { AdapterHarness } from './harness.js'
import { describeLifecycle } from './lifecycle.js'
import { describeObservation } from './observation.js'
import { AdapterSubject } from './subject.js'
import { describeTransactions } from './transactions.js'

/** What holds for TypeORM under connmgr, whatever the database is. */
export function describeAdapter(harness: AdapterHarness): void {
  const subject = new AdapterSubject(harness)
  beforeAll(() => harness.start())
  beforeEach(() => harness.empty())
  afterEach(() => subject.close())
  afterAll(() => harness.stop())

  describeLifecycle(subject)
  describeCrud(subject)
  describeTransactions(subject)
  describeObservation(subject)
}
