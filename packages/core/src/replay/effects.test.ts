import { AsyncResource } from 'node:async_hooks'
import type { Lease } from '../pool/lease.js'
import { currentEffects, Effects, notedFor, runNoting, unnoted } from './effects.js'

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

describe('a statement on the connection of a lease', () => {
  const leaseOf = (effects?: Effects) => ({ owner: { effects } }) as unknown as Lease<object>
  const write = () => currentEffects()?.begin()('kept')

  test('counts for the unit that has acquired it, in whichever flow it is sent', () => {
    const unit = new Effects()
    notedFor(leaseOf(unit), write)
    expect(unit.keptBeside(false)).toBe(true)
    expect(currentEffects()).toBeUndefined()
  })

  test('counts for both units if another sends it', () => {
    const [unit, other] = [new Effects(), new Effects()]
    runNoting(other, () => notedFor(leaseOf(unit), write))
    expect([unit.keptBeside(false), other.keptBeside(false)]).toEqual([true, true])
  })

  test.each(['inside of', 'around'])(
    'counts once in a unit %s the one that has acquired it',
    (where) => {
      const outer = new Effects()
      const inner = runNoting(outer, () => new Effects())
      const [flow, own] = where === 'around' ? [outer, inner] : [inner, outer]
      runNoting(flow, () => notedFor(leaseOf(own), () => currentEffects()?.begin()('unknown')))
      // The one that fails by it may know its outcome.
      expect(outer.keptBeside(true)).toBe(false)
    },
  )

  test('is as any other once that unit has ended, or if there was none', () => {
    const unit = new Effects()
    unit.abandon()
    unit.end()
    for (const lease of [leaseOf(unit), leaseOf()]) {
      expect(notedFor(lease, () => currentEffects())).toBeUndefined()
      const flow = new Effects()
      expect(runNoting(flow, () => notedFor(lease, () => currentEffects()))).toBe(flow)
    }
  })

  test('is refused while the attempt is over that has acquired it', () => {
    const unit = new Effects()
    unit.abandon()
    expect(() => notedFor(leaseOf(unit), write)).toThrow('its work is run again')
    runNoting(new Effects(), () =>
      expect(() => notedFor(leaseOf(unit), write)).toThrow('its work is run again'),
    )
  })
})

test('what belongs to nobody is noted nowhere', async () => {
  expect(unnoted(() => currentEffects())).toBeUndefined()
  const effects = new Effects()
  await runNoting(effects, async () => {
    expect(currentEffects()).toBe(effects)
    expect(unnoted(() => currentEffects())).toBeUndefined()
  })
})
