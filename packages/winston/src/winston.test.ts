import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { ConnectionManager } from '@connmgr/core'
import { FakeClock, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { transports } from 'winston'
import { createLogger, logEvents, redact, redactText } from './index.js'

function capturingLogger(level = 'debug') {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const logger = createLogger({ level, transports: new transports.Stream({ stream }) })
  return { logger, lines, of: (event: string) => lines.filter((line) => line.event === event) }
}

function managerWith(options: object) {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock })
  const manager = new ConnectionManager({
    driver,
    endpoints: [fakeEndpoint('db1')],
    options: { clock, healthMonitoring: false, ...options },
  })
  return { clock, driver, manager }
}

describe('createLogger', () => {
  test('a leak is logged as one JSON line with its fields and its stack', async () => {
    const { logger, of } = capturingLogger()
    const { clock, manager } = managerWith({
      logger,
      leakDetection: { thresholdMs: 1000, captureStack: 'always' },
    })
    const lease = await manager.acquire({ label: 'report' })
    await clock.advance(2000)
    lease.release()
    await manager.close()
    expect(of('leakDetected')).toEqual([
      expect.objectContaining({
        level: 'warn',
        pool: 'fake',
        endpoint: 'db1',
        label: 'report',
        connectionId: lease.connectionId,
        heldMs: expect.any(Number),
        checkedOutBy: expect.stringContaining('winston.test.ts'),
        stack: expect.stringContaining('winston.test.ts'),
        service: 'connmgr',
        timestamp: expect.any(String),
      }),
    ])
    expect(of('leakResolved')).toHaveLength(1)
  })

  test('a failed acquire is logged with how long it waited and its code', async () => {
    const { logger, of } = capturingLogger()
    const { clock, manager } = managerWith({
      logger,
      poolSize: 1,
      maxOverflow: 0,
      acquireTimeoutMs: 100,
    })
    const lease = await manager.acquire()
    const failing = manager.acquire().catch((error: Error) => error)
    await clock.advance(150)
    await failing
    lease.release()
    await manager.close()
    expect(of('acquireFailed')).toEqual([
      expect.objectContaining({
        waitMs: expect.any(Number),
        code: 'CONNMGR_ACQUIRE_TIMEOUT',
        reason: 'timeout',
      }),
    ])
  })

  test('entries below the level are left out', async () => {
    const { logger, lines } = capturingLogger('warn')
    const { manager } = managerWith({ logger })
    await manager.use(async () => {})
    await manager.close()
    expect(lines).toEqual([])
  })

  test('secrets are taken out of messages, fields and nested errors', () => {
    const { logger, lines } = capturingLogger()
    let invalidUrl: unknown
    try {
      new URL('postgres://app:s3cr3t@host:port/db')
    } catch (error) {
      invalidUrl = error
    }
    logger.error('cannot use postgres://app:s3cr3t@host/db', {
      error: new Error('outer', { cause: invalidUrl }),
      connectionString: 's3cr3t',
      nested: { password: 's3cr3t', url: 'postgres://app:s3cr3t@@host/db?sslpassword=s3cr3t' },
    })
    expect(lines).toHaveLength(1)
    expect(inspect(lines, { depth: null })).not.toContain('s3cr3t')
    expect(lines[0]?.message).toBe('cannot use postgres://app:***@host/db')
  })
})

describe('logEvents', () => {
  test('logs also what a manager leaves out, until it is stopped', async () => {
    const { logger, of } = capturingLogger()
    const { manager } = managerWith({ logger: false })
    const stop = logEvents(manager, logger)
    await manager.use(async () => {})
    stop()
    await manager.use(async () => {})
    await manager.close()
    expect(of('connectionAcquired')).toHaveLength(1)
    expect(of('connectionReleased')).toEqual([
      expect.objectContaining({ heldMs: expect.any(Number) }),
    ])
  })
})

describe('redact', () => {
  test.each([
    ['postgres://u:p@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p@ss@h/d', 'postgres://u:***@h/d'],
    [
      'two postgres://u:p@h/d and mysql://a:b@c/d',
      'two postgres://u:***@h/d and mysql://a:***@c/d',
    ],
    ['postgres://h/d?user=u&password=p&x=1', 'postgres://h/d?user=u&password=***&x=1'],
    ['no secrets: a:b@c', 'no secrets: a:b@c'],
  ])('%s becomes %s', (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  test('cuts circles', () => {
    const circle: Record<string, unknown> = { a: 1 }
    circle.self = circle
    expect(redact(circle)).toEqual({ a: 1, self: '[circular]' })
  })
})
