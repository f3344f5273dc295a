import { currentEffects, Effects, runNoting, unnoted } from './effects.js'

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

test('a lost connection is noted around the work that had it, too', async () => {
  const outer = new Effects()
  await runNoting(outer, async () => {
    const inner = new Effects()
    inner.noteLoss()
    expect(inner.connectionLost).toBe(true)
  })
  expect(outer.connectionLost).toBe(true)
})

test('what belongs to nobody is noted nowhere', async () => {
  expect(unnoted(() => currentEffects())).toBeUndefined()
  const effects = new Effects()
  await runNoting(effects, async () => {
    expect(currentEffects()).toBe(effects)
    expect(unnoted(() => currentEffects())).toBeUndefined()
  })
})
