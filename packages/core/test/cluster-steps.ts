import type { FakeOutcome } from '@connmgr/testing'
import fc from 'fast-check'
import { ClusterModel } from './cluster-model.js'
import { clusterOptions } from './cluster-options.js'
import { CALLS } from './cluster-world.js'
import { chosen, stepsOf } from './model-step.js'

const outcomes: fc.Arbitrary<FakeOutcome> = fc.constantFrom<FakeOutcome[]>(
  'hang',
  { fail: 'lost' },
  { fail: 'unreachable' },
  { fail: 'busy' },
  { fail: 'starting' },
  { fail: 'setup' },
  { fail: 'statement' },
  { afterMs: 50 },
  { afterMs: 2000 },
  { afterMs: 200, fail: 'lost' },
)

type Command = fc.AsyncCommand<ClusterModel, ClusterModel>

const step = stepsOf<ClusterModel>()
const pick = fc.nat({ max: 7 })
const someHold = (model: ClusterModel): boolean => model.holding.length > 0
const someWait = (model: ClusterModel): boolean => model.waiting.length > 0

/** A step that concerns one of the servers. */
function at(name: string, run: (model: ClusterModel, id: string) => void): fc.Arbitrary<Command> {
  return pick.map((index) =>
    step(`${name}(${index})`, (model) => run(model, chosen(model.world.ids, index))),
  )
}

function either(
  name: string,
  run: (model: ClusterModel, id: string, on: boolean) => void,
): fc.Arbitrary<Command> {
  return fc
    .tuple(pick, fc.boolean())
    .map(([index, on]) =>
      step(`${name}(${index}, ${on})`, (model) => run(model, chosen(model.world.ids, index), on)),
    )
}

const acquire = fc
  .tuple(
    fc.constantFrom('primary', 'primary', 'standby', 'prefer-standby', 'any'),
    fc.constantFrom(100, 3000, 20_000),
    fc.nat({ max: 19 }),
  )
  .map(([target, timeoutMs, luck]) =>
    step(`acquire(${target}, ${timeoutMs}${luck === 0 ? ', aborted' : ''})`, (model) => {
      model.acquire(target as 'primary', timeoutMs, luck === 0)
    }),
  )
const advance = fc
  .constantFrom(1, 30, 130, 400, 1000, 4000)
  .map((ms) => step(`advance(${ms})`, (model) => model.harness.clock.advance(ms)))
const end = fc
  .tuple(fc.constantFrom('release', 'release', 'release', 'destroy'), pick)
  .map(([how, index]) =>
    step(
      `${how}(${index})`,
      (model) => model.end(chosen(model.holding, index), how as 'release'),
      someHold,
    ),
  )
const promote = at('promote', ({ world }, id) => world.promote(id, false))

const callers: fc.Arbitrary<Command>[] = [
  acquire,
  acquire,
  acquire,
  end,
  end,
  fc
    .tuple(fc.constantFrom('begin', 'insert', 'select'), pick)
    .map(([text, index]) =>
      step(
        `query(${text}, ${index})`,
        (model) => model.query(chosen(model.holding, index), text),
        someHold,
      ),
    ),
  pick.map((index) =>
    step(`abort(${index})`, (model) => chosen(model.waiting, index).controller.abort(), someWait),
  ),
]

const faults: fc.Arbitrary<Command>[] = [
  promote,
  promote,
  at('promoteCarelessly', ({ world }, id) => world.promote(id, true)),
  at('demote', ({ world }, id) => world.demote(id)),
  at('crash', ({ world }, id) => world.crash(id)),
  at('crash', ({ world }, id) => world.crash(id)),
  at('start', ({ world }, id) => world.start(id)),
  at('start', ({ world }, id) => world.start(id)),
  at('restart', ({ world }, id) => world.restart(id)),
  at('freeze', ({ world }, id) => world.freeze(id)),
  at('thaw', ({ world }, id) => world.thaw(id)),
  at('terminate', ({ world }, id) => world.terminate(id)),
  fc
    .tuple(fc.constantFrom('starting', 'full', 'denied'), pick)
    .map(([how, index]) =>
      step(`refuse(${how}, ${index})`, ({ world }) =>
        world.refuse(chosen(world.ids, index), how as 'full'),
      ),
    ),
  fc
    .tuple(fc.nat({ max: 3 }), pick)
    .map(([room, index]) =>
      step(`limit(${room}, ${index})`, ({ world }) => world.limit(chosen(world.ids, index), room)),
    ),
  at('admit', ({ world }, id) => world.admit(id)),
  either('refuseWrites', ({ world }, id, on) => world.refuseWrites(id, on)),
  either('replace', ({ world }, id, foreign) => world.replace(id, foreign)),
  either('pauseReplay', ({ world }, id, on) => world.pauseReplay(id, on)),
  fc.boolean().map((on) =>
    step(`nameRogue(${on})`, (model) => {
      model.rogueNamed = on
    }),
  ),
  fc.constant(step('write', ({ world }) => world.write())),
  fc
    .tuple(fc.constantFrom(0, 5, 100, 300), pick)
    .map(([ms, index]) =>
      step(`slow(${ms}, ${index})`, ({ world }) => world.slow(chosen(world.ids, index), ms)),
    ),
  fc
    .tuple(fc.constantFrom(...CALLS), pick, outcomes)
    .map(([method, index, outcome]) =>
      step(`next(${method}, ${index}, ${fc.stringify(outcome)})`, ({ world }) =>
        world.script(method, chosen(world.ids, index), outcome),
      ),
    ),
  fc.constantFrom(200, 600, 5000).map((ms) =>
    step(`stall(${ms})`, (model) => {
      model.stall(ms)
      return model.harness.clock.advance(1)
    }),
  ),
]

const verbs: fc.Arbitrary<Command>[] = [
  fc.boolean().map((on) => step(on ? 'suspend' : 'resume', (model) => model.suspend(on))),
  either('quarantine', (model, id, on) => model.operator.quarantine(id, on)),
  fc
    .option(pick, { nil: undefined })
    .map((index) =>
      step(`failover(${index ?? ''})`, (model) =>
        model.operator.failover(index === undefined ? undefined : chosen(model.world.ids, index)),
      ),
    ),
  fc.constant(step('reset', (model) => model.operator.reset())),
  fc.constant(step('clear', (model) => model.harness.manager.clear())),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 1 }))
    .map(([size, overflow]) =>
      step(`resize(${size}, ${overflow})`, (model) => model.resize(size, overflow)),
    ),
  fc.nat({ max: 3 }).map((luck) =>
    step(
      'close',
      (model) => model.close(),
      (model) => luck === 0 && !model.closing,
    ),
  ),
]

const steps = [
  ...callers,
  ...callers,
  ...faults,
  ...verbs,
  ...Array.from({ length: 8 }, () => advance),
]

/** The whole property: any history of any cluster keeps the invariants. */
export const clusterProperty = fc.asyncProperty(
  clusterOptions,
  fc.commands(steps, { maxCommands: 40, size: 'max' }),
  async (options, commands) => {
    const model = new ClusterModel(options)
    // What the start has under way: a step between an answer and its event would belie the answer.
    await model.check()
    await fc.asyncModelRun(() => ({ model, real: model }), commands)
    await model.finish()
  },
)
