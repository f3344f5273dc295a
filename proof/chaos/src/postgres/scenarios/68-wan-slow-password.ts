import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { falseAlarms, roughen, wideArea } from '../wide-area.js'

const PASSWORD_MS = 1200

/** The password comes from a service that takes its time, at each login. */
export const scenario: Scenario = {
  id: 68,
  name: 'a password function that takes 1.2 s',
  group: 'wan',
  throughOrm: false,
  deadlineMs: 120_000,
  async run(context) {
    const area = await wideArea(context)
    roughen(area, 20)
    const password = async (): Promise<string> => {
      await context.sleep(PASSWORD_MS)
      return 'postgres-secret'
    }
    const { manager, recorder } = area.open(2, { clientConfig: { password } })
    const from = now()
    await manager.pool.query('select 1')
    const firstQueryMs = now() - from
    await context.sleep(15_000)
    const alarms = falseAlarms(recorder, from)
    const loginsFailed = recorder.of('loginsFailed', from).length
    context.expect(alarms === 0, `${alarms} false alarms`)
    context.expect(loginsFailed === 0, `logins were said to fail ${loginsFailed} times`)
    return { firstQueryMs, falseAlarms: alarms, loginsFailed }
  },
}
