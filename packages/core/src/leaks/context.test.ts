import { AsyncResource } from 'node:async_hooks'
import { close, type Harness, manage } from '../../test/harness.js'
import {
  calledFrom,
  currentContext,
  notedOrigin,
  runWithContext,
  runWithOrigin,
} from './context.js'
import { captureStack, describeOrigin } from './stack.js'

let h: Harness
afterEach(() => close(h))

test('what is acquired in a labelled flow carries the label, across awaits, until the flow ends', async () => {
  h = manage()
  const lease = await runWithContext({ label: 'nightly report' }, async () => {
    await Promise.resolve()
    return h.manager.acquire()
  })
  expect(h.manager.getHolders()).toMatchObject([{ label: 'nightly report' }])
  lease.release()
  ;(await h.manager.acquire({ label: 'own' })).release()
  expect(currentContext()).toBeUndefined()
})

test("an acquire's own label wins", async () => {
  h = manage()
  const lease = await runWithContext({ label: 'flow' }, () => h.manager.acquire({ label: 'own' }))
  expect(lease.label).toBe('own')
  lease.release()
})

test('an inner context adds to the outer one', () => {
  h = manage()
  function adapter() {
    return runWithOrigin(adapter, () => currentContext())
  }
  function userCode() {
    return runWithContext({ label: 'outer' }, () => adapter())
  }
  const context = userCode()
  expect(context?.label).toBe('outer')
  expect(context?.origin?.stack && describeOrigin(context.origin.stack)).toMatch(/^userCode \(/)
})

test('a lease acquired far from the caller is reported by the origin of its flow', async () => {
  h = manage()
  function library() {
    return runWithOrigin(library, async () => {
      await new Promise(setImmediate)
      return h.manager.acquire()
    })
  }
  function userCode() {
    return library()
  }
  const lease = await userCode()
  expect(h.manager.getHolders()[0]?.checkedOutBy).toMatch(/^userCode \(/)
  lease.release()
})

test('the line of a call is noted until it returns, before that of the flow around it', async () => {
  function writes() {
    return captureStack(writes)
  }
  const stack = writes()
  function flow() {
    return runWithOrigin(flow, async () => {
      expect(calledFrom(stack, notedOrigin, true)).toEqual({ stack, exact: true })
      expect(calledFrom(stack, notedOrigin)).toEqual({ stack, exact: false })
      await Promise.resolve()
      return notedOrigin()
    })
  }
  const noted = await flow()
  expect(noted).toMatchObject({ exact: false })
  expect(noted?.stack).not.toBe(stack)
  expect(notedOrigin()).toBeUndefined()
})

test('what work leaves behind is not reported as of it', async () => {
  h = manage()
  let left = async (): Promise<void> => {}
  await runWithContext({ label: 'nightly report' }, async () => {
    left = AsyncResource.bind(async () => {
      const lease = await h.manager.acquire()
      expect(lease.label).toBeUndefined()
      lease.release()
    })
    const lease = await h.manager.acquire()
    expect(lease.label).toBe('nightly report')
    lease.release()
  })
  await left()
})
