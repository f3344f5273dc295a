import type { SqliteConnection } from '../src/connection.js'
import type { SqliteDriver } from '../src/driver.js'
/** TEMPORARY: the driver as core takes it before the redesign. */
export function flat(d: SqliteDriver): never {
  return {
    name: d.name,
    connect: d.connect.bind(d),
    validate: d.validate.bind(d),
    inspect: d.inspect.bind(d),
    close: d.close.bind(d),
    destroy: d.destroy.bind(d),
    classify: d.classify.bind(d),
    ...d.transactions,
    baseline: d.session.baseline,
    altered: d.session.altered,
    reset: d.session.reset,
    fence: d.session.fence,
    ...d.statements,
    activity: d.activity.of,
    settle: d.activity.settle,
    whyBroken: d.activity.whyBroken,
    holdProcess: d.activity.holdProcess,
  } as never
}
export type { SqliteConnection }
