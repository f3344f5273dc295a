import { FakeError } from '@connmgr/testing'
import { close, manage, replicated } from '../../core/test/harness.js'
import { ask } from '../test/asking.js'
import { type HealthRequest, healthHandlers } from './index.js'

/** The answer to a GET with a function that decides on details by a header. */
const byToken = (request: HealthRequest) =>
  request.header('Authorization') === 'Bearer t0ken' ? 'full' : 'none'

test('a summary says what is wrong and names no host; `full` has everything; `none` is a status', async () => {
  const h = replicated({ name: 'main' })
  const make = (details: 'none' | 'summary' | 'full') =>
    healthHandlers(h.manager, { clock: h.clock, details })
  await h.clock.advance(5000)
  h.driver.server('b').crash()
  await h.manager.checkHealth()
  await h.manager.checkHealth()
  await h.clock.advance(10_000)
  const [, none] = ask(make('none').ready)
  expect(none).toEqual({ status: 'warn' })
  const [, summary] = ask(make('summary').ready)
  expect(summary).toEqual({
    status: 'warn',
    checks: {
      'main:readiness': [
        {
          componentType: 'datastore',
          observedValue: 'impaired',
          status: 'warn',
          output:
            'a server is out of service, or takes no new connections; no standby takes reads: the primary serves them',
        },
      ],
      'main:connections': [
        {
          componentType: 'datastore',
          observedValue: 0,
          observedUnit: 'connections in use',
          status: 'pass',
          idle: expect.any(Number),
          waiting: 0,
          limit: 15,
        },
      ],
    },
  })
  const [, full] = ask(make('full').ready)
  expect(full.checks?.['main:readiness']?.[0]?.output).toMatch(
    /out of service.*: b cannot be reached/,
  )
  expect(full.checks?.['main:servers']).toEqual([
    expect.objectContaining({
      componentId: 'a',
      observedValue: 'UP',
      role: 'primary',
      active: true,
      status: 'pass',
    }),
    expect.objectContaining({
      componentId: 'b',
      observedValue: 'DOWN',
      active: false,
      status: 'warn',
      output: expect.any(String),
    }),
  ])
  expect(full.checks?.['main:servers']?.[0]).not.toHaveProperty('output')
  expect(full.checks?.['main:responseTime']).toEqual([
    expect.objectContaining({ componentId: 'a', observedUnit: 'ms', status: 'pass' }),
  ])
  expect(full.checks?.['main:leaks']?.[0]).toMatchObject({ observedValue: 0, status: 'pass' })
  await close(h)
})

test('a function of the request decides on details', async () => {
  const h = manage({ healthMonitoring: true })
  const { ready, startup } = healthHandlers(h.manager, { clock: h.clock, details: byToken })
  await h.clock.advance(1000)
  for (const handler of [ready, startup]) {
    expect(ask(handler)[1]).toEqual({ status: 'pass' })
    expect(ask(handler, { authorization: 'Bearer t0ken' })[1].checks).toHaveProperty('fake:servers')
  }
  await close(h)
})

test.each([
  [
    'throws',
    () => {
      throw new TypeError('no session')
    },
    'TypeError',
  ],
  ['returns something else', () => 'everything', 'InvalidOptionError'],
  ['returns a promise', async () => 'full', 'InvalidOptionError'],
])('a function that %s shows the least, and is reported once', async (_what, details, name) => {
  const warnings: string[] = []
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation((text) => {
    warnings.push(String(text))
  })
  const h = manage({ healthMonitoring: true })
  const { ready } = healthHandlers(h.manager, { clock: h.clock, details: details as never })
  await h.clock.advance(1000)
  expect(ask(ready)).toEqual([200, { status: 'pass' }])
  expect(ask(ready)).toEqual([200, { status: 'pass' }])
  expect(warnings).toEqual([`the option "details" of healthHandlers has failed: ${name}`])
  warn.mockRestore()
  await close(h)
})

test('secrets in what a server says do not show in any detail', async () => {
  const h = manage({ healthMonitoring: true })
  const fail = new FakeError('setup', 'refused postgres://u:hunter2@db/x')
  h.driver.always('connect', { fail }).always('probe', { fail })
  const { ready, startup } = healthHandlers(h.manager, { clock: h.clock, details: 'full' })
  await h.clock.advance(1000)
  for (const handler of [ready, startup]) {
    const [status, body] = ask(handler)
    expect(status).toBe(503)
    expect(JSON.stringify(body)).toContain('refused')
    expect(JSON.stringify(body)).not.toContain('hunter2')
  }
  await close(h)
})
