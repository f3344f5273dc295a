import { inspect } from 'node:util'
import type { ManagerOptions } from '@connmgr/core'
import { captureLines, fakeManager } from '../test/capture.js'
import { createLogger } from './index.js'

function capturingLogger(level = 'debug') {
  const captured = captureLines()
  return { logger: createLogger({ level, transports: captured.transport }), ...captured }
}

describe('a manager that was given the logger', () => {
  test('logs a leak as one JSON line with its fields and its stack, and that it was resolved', async () => {
    const { logger, of } = capturingLogger()
    const { clock, manager } = fakeManager({
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
        durationMs: expect.any(Number),
        heldMs: expect.any(Number),
        checkedOutBy: expect.stringContaining('logger.test.ts'),
        stack: expect.stringContaining('logger.test.ts'),
        service: 'connmgr',
        timestamp: expect.any(String),
      }),
    ])
    expect(of('leakResolved')).toHaveLength(1)
    expect(of('leakDetected')[0]).not.toHaveProperty('lease')
    expect(of('leakDetected')[0]).not.toHaveProperty('type')
  })

  test('logs a failed acquire with how long it waited and its code', async () => {
    const { logger, of } = capturingLogger()
    const { clock, manager } = fakeManager({
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

  test('names who still held a connection when it was closed', async () => {
    const { logger, of } = capturingLogger()
    const { clock, manager } = fakeManager({ logger, leakDetection: { captureStack: 'always' } })
    await manager.acquire({ label: 'forgotten' })
    const closing = manager.close({ drainTimeoutMs: 100 })
    await clock.advance(200)
    await closing
    expect(of('poolClosed')).toEqual([
      expect.objectContaining({
        level: 'warn',
        stragglers: [
          expect.objectContaining({
            label: 'forgotten',
            checkedOutBy: expect.stringContaining('logger.test.ts'),
          }),
        ],
      }),
    ])
  })

  test('writes nothing below the level', async () => {
    const { logger, lines } = capturingLogger('warn')
    const { manager } = fakeManager({ logger })
    await manager.use(async () => {})
    await manager.close()
    expect(lines).toEqual([])
  })
})

test('a winston logger is a manager’s logger by type', () => {
  const options: ManagerOptions<object> = { logger: createLogger({ level: 'error' }) }
  expect(options.logger).toBeDefined()
})

test('the fields of every entry can be chosen', () => {
  const { lines, transport } = captureLines()
  createLogger({ transports: transport, defaultMeta: { app: 'shop' } }).info('open')
  expect(lines).toEqual([
    { level: 'info', message: 'open', app: 'shop', timestamp: expect.any(String) },
  ])
})

test('secrets are taken out of messages, fields, nested errors and causes', () => {
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
  logger.error(invalidUrl)
  logger.error('cannot connect', invalidUrl)
  logger.child({ password: 's3cr3t' }).info('from a child')
  expect(lines).toHaveLength(4)
  expect(inspect(lines, { depth: null })).not.toContain('s3cr3t')
  expect(lines[0]?.message).toBe('cannot use postgres://app:***@host/db')
  expect(lines[1]).toMatchObject({ message: 'Invalid URL', code: 'ERR_INVALID_URL' })
})
