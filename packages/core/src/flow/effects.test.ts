import { AsyncResource } from 'node:async_hooks'
import { currentEffects, Effects, runNoting } from './effects.js'

test('a write counts until it is known to have left nothing behind', () => {
  const effects = new Effects()
  expect(effects.keptBeside(false)).toBe(false)
  const end = effects.begin()
  expect(effects.keptBeside(false)).toBe(true)
  end('undone')
  expect(effects.keptBeside(false)).toBe(false)
  end('undone')
  effects.begin()('kept')
  expect(effects.keptBeside(false)).toBe(true)
})

test('of a write of unknown outcome the failure tells, of a second it does not', () => {
  const effects = new Effects()
  effects.begin()('unknown')
  expect(effects.keptBeside(true)).toBe(false)
  expect(effects.keptBeside(false)).toBe(true)
  effects.begin()('unknown')
  expect(effects.keptBeside(true)).toBe(true)
})

test('what goes on of an attempt that is over must not write, nor what is nested in it', async () => {
  const effects = new Effects()
  await runNoting(effects, async () => {
    const inner = new Effects()
    effects.abandon()
    for (const each of [effects, inner]) {
      expect(each.over).toBe(true)
      expect(() => each.begin()).toThrow(
        expect.objectContaining({ code: 'CONNMGR_CONNECTION_LOST', sent: false }),
      )
    }
  })
})

test('what is written in a flow is noted there, and in those around it', async () => {
  expect(currentEffects()).toBeUndefined()
  const outer = new Effects()
  await runNoting(outer, async () => {
    const inner = new Effects()
    await runNoting(inner, async () => {
      await Promise.resolve()
      expect(currentEffects()).toBe(inner)
      currentEffects()?.begin()('kept')
    })
    expect(inner.keptBeside(false)).toBe(true)
  })
  expect(outer.keptBeside(false)).toBe(true)
  expect(currentEffects()).toBeUndefined()
})

test('an end on purpose is noted around the work that had the connection, too', async () => {
  const outer = new Effects()
  await runNoting(outer, async () => {
    const inner = new Effects()
    inner.noteDeliberateEnd()
    expect(inner.deliberatelyEnded).toBe(true)
  })
  expect(outer.deliberatelyEnded).toBe(true)
})

describe('once its unit of work has ended', () => {
  test('nothing is refused or noted in its flows', () => {
    const first = new Effects()
    const fromFirst = runNoting(first, () => AsyncResource.bind(() => currentEffects()))
    first.abandon()
    expect(fromFirst()).toBe(first)
    expect(() => first.begin()).toThrow()
    first.end()
    expect(fromFirst()).toBeUndefined()
    expect(first.over).toBe(false)
    // A driver may have held on to it.
    first.begin()('kept')
  })

  test('its flows are of the unit around it, if there is one', () => {
    const outer = new Effects()
    const { inner, fromInner } = runNoting(outer, () => {
      const made = new Effects()
      return {
        inner: made,
        fromInner: runNoting(made, () => AsyncResource.bind(() => currentEffects())),
      }
    })
    inner.abandon()
    inner.end()
    expect(fromInner()).toBe(outer)
    fromInner()?.begin()('kept')
    expect(outer.keptBeside(false)).toBe(true)
    outer.end()
    expect(fromInner()).toBeUndefined()
  })

  test('a transaction that was begun in an abandoned attempt is still not committed', () => {
    const outer = new Effects()
    const inner = runNoting(outer, () => new Effects())
    expect(() => inner.requireCommittable()).not.toThrow()
    outer.abandon()
    outer.end()
    inner.end()
    for (const each of [outer, inner])
      expect(() => each.requireCommittable()).toThrow(
        expect.objectContaining({ code: 'CONNMGR_CONNECTION_LOST', sent: false }),
      )
  })
})
