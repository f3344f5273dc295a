import type { FakeOutcome } from '@connmgr/testing'
import fc from 'fast-check'
import { chosen, stepsOf } from './model-step.js'
import { ACQUIRE_TIMEOUT_MS, CALLS, PoolModel } from './pool-model.js'
import { poolOptions } from './pool-options.js'
import { LEFTOVERS, OCCASIONS, VERBS } from './pool-user-code.js'

const outcomes: fc.Arbitrary<FakeOutcome> = fc.constantFrom<FakeOutcome[]>(
  'hang',
  { fail: 'lost' },
  { fail: 'unreachable' },
  { fail: 'statement' },
  { afterMs: 50 },
  { afterMs: 2000 },
  { afterMs: 50, fail: 'lost' },
  { throw: new Error('thrown at once') },
)

type Command = fc.AsyncCommand<PoolModel, PoolModel>

const step = stepsOf<PoolModel>()
const pick = fc.nat({ max: 20 })
const someHold = (model: PoolModel): boolean => model.holding.length > 0
const someWait = (model: PoolModel): boolean => model.waiting.length > 0

const acquire = fc
  .tuple(fc.constantFrom(100, ACQUIRE_TIMEOUT_MS), fc.integer({ min: 0, max: 19 }))
  .map(([timeoutMs, luck]) =>
    step(`acquire(${timeoutMs}${luck === 0 ? ', aborted' : ''})`, (model) =>
      model.acquire(timeoutMs, luck === 0),
    ),
  )
const end = fc
  .tuple(fc.constantFrom('release', 'release', 'release', 'release', 'destroy', 'detach'), pick)
  .map(([how, index]) =>
    step(
      `${how}(${index})`,
      (model) => model.end(chosen(model.holding, index), how as 'release'),
      someHold,
    ),
  )
const settleOne = fc.constant(step('settleOne', (model) => model.settleOne()))
const settleAll = fc.constant(step('settleAll', (model) => model.settleAll()))
const reaction = fc
  .tuple(fc.constantFrom(...OCCASIONS), fc.constantFrom(...VERBS), pick)
  .map(([on, verb, index]) =>
    step(`in(${on}, ${verb}, ${index})`, (model) => model.userCode.react({ on, verb, index })),
  )
/** What makes histories long stands here more than once. */
const common = [
  acquire,
  acquire,
  acquire,
  acquire,
  acquire,
  settleOne,
  settleAll,
  settleAll,
  end,
  end,
  end,
]

const commandArbitraries: fc.Arbitrary<Command>[] = [
  ...common,
  pick.map((index) => step(`releaseAgain(${index})`, (model) => model.endAgain(index))),
  pick.map((index) =>
    step(`abort(${index})`, (model) => chosen(model.waiting, index).controller.abort(), someWait),
  ),
  pick.map((index) =>
    step(
      `abortAndRelease(${index})`,
      (model) => {
        const holder = chosen(model.holding, index)
        chosen(model.waiting, index).controller.abort()
        model.end(holder, 'release')
      },
      (model) => someHold(model) && someWait(model),
    ),
  ),
  fc.tuple(fc.constantFrom('begin', 'set x to 1', 'select 1'), pick).map(([text, index]) =>
    step(
      `query(${text}, ${index})`,
      async (model) => {
        await chosen(model.holding, index)
          .connection?.query(text)
          .catch(() => {})
      },
      someHold,
    ),
  ),
  pick.map((index) =>
    step(
      `leaveBusy(${index})`,
      (model) => {
        const caller = chosen(model.holding, index)
        model.harness.driver.next('query', { afterMs: 100 })
        caller.connection?.query('select 1').catch(() => {})
        model.end(caller, 'release')
      },
      someHold,
    ),
  ),
  fc.tuple(pick, fc.boolean()).map(([index, fatal]) =>
    step(
      `${fatal ? 'fatal' : 'lose'}(${index})`,
      (model) => {
        const connection = chosen(model.harness.driver.open, index)
        if (fatal) connection.signal('shutdown')
        else connection.lose()
      },
      (model) => model.harness.driver.open.length > 0,
    ),
  ),
  fc
    .tuple(fc.constantFrom(...CALLS), outcomes)
    .map(([method, outcome]) =>
      step(`next(${method}, ${fc.stringify(outcome)})`, (model) => model.script(method, outcome)),
    ),
  fc
    .constantFrom(1, 60, 400, 1500, 4000)
    .map((ms) => step(`advance(${ms})`, (model) => model.harness.clock.advance(ms))),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 })).map(([size, overflow]) =>
    step(
      `resize(${size}, ${overflow})`,
      (model) => model.resize(size, overflow),
      (model) => model.resizable,
    ),
  ),
  reaction,
  reaction,
  fc
    .constantFrom(...LEFTOVERS)
    .map((leftover) => step(`hookLeaves(${leftover})`, (model) => model.userCode.leave(leftover))),
  fc
    .boolean()
    .map((fail) =>
      step(fail ? 'hooksFail' : 'hooksWork', (model) => model.userCode.failHooks(fail)),
    ),
  pick.map((index) =>
    step(
      `leaveStuck(${index})`,
      (model) => {
        const caller = chosen(model.holding, index)
        if (caller.connection !== undefined) caller.connection.condition = 'stuck'
        model.end(caller, 'release')
      },
      someHold,
    ),
  ),
  fc.constant(step('clear', (model) => model.harness.manager.clear())),
  pick.map((index) =>
    step(
      `evict(${index})`,
      (model) => {
        const { lease } = chosen(model.holding, index)
        if (lease !== undefined) model.harness.manager.evict(lease.connectionId)
      },
      someHold,
    ),
  ),
  pick.map((index) =>
    step(
      `reclaim(${index})`,
      (model) => {
        const { lease } = chosen(model.holding, index)
        if (lease !== undefined) model.harness.manager.reclaim(lease.id)
      },
      someHold,
    ),
  ),
  fc
    .boolean()
    .map((suspended) =>
      step(suspended ? 'suspend' : 'resume', (model) => model.suspend(suspended)),
    ),
  fc.integer({ min: 0, max: 9 }).map((luck) =>
    step(
      'close',
      (model) => model.close(),
      (model) => luck === 0 && !model.closing,
    ),
  ),
]

/** The whole property: any history of any pool keeps the invariants. */
export const poolProperty = fc.asyncProperty(
  poolOptions,
  fc.scheduler(),
  fc.commands(commandArbitraries, { maxCommands: 80, size: 'max' }),
  async (options, scheduler, commands) => {
    const model = new PoolModel(options, scheduler)
    await fc.asyncModelRun(() => ({ model, real: model }), commands)
    await model.finish()
  },
)
