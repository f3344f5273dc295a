import { FakeClock, fakeEndpoint } from '@connmgr/testing'
import { rulesOf } from '../../test/observed-cluster.js'
import type { ServerChange } from '../pool/server-change.js'
import { Runtime } from '../runtime.js'
import { StallMonitor } from '../time/stall.js'
import { ClusterController } from './controller.js'
import { ManagedEndpoint } from './managed-endpoint.js'
import type { Effect } from './reducer/effects.js'
import type { Reducer } from './reducer/reducer.js'

const SERVING: Effect = { type: 'tell', id: 'a', change: { serving: true } }
const REROUTE: Effect = { type: 'reroute' }
const REPORTED: Effect = {
  type: 'emit',
  event: { type: 'rightsGranted', pool: 'observed', endpoint: 'a' },
}

/** A controller of one endpoint whose every observation has these effects, and raises the epoch. */
function controlled(effects: readonly Effect[]) {
  const clock = new FakeClock()
  const runtime = new Runtime(
    { name: 'observed', clock, reportSql: 'text' },
    new StallMonitor(clock),
  )
  const log: string[] = []
  const hooks = { onRoutesChanged: () => {}, onReported: (_change: ServerChange) => {} }
  const pool = { serverChanged: (change: ServerChange) => hooks.onReported(change) }
  const since = new Date(0)
  const endpoint = new ManagedEndpoint<object>(
    fakeEndpoint('a'),
    0,
    pool as never,
    {} as never,
    {} as never,
    since,
  )
  const reduce: Reducer = (view, { type }) => {
    log.push(`decide ${type}`)
    return { view: { ...view, epoch: view.epoch + 1 }, effects: type === 'stopped' ? [] : effects }
  }
  const controller = new ClusterController([endpoint], 'role', rulesOf('role'), reduce, {
    runtime,
    history: { covers: () => true, order: () => 'same' },
    onRoutesChanged: () => hooks.onRoutesChanged(),
    onTrouble: () => {},
    onLost: () => {},
  })
  return { controller, endpoint, events: runtime.events, hooks, log }
}

test('the next view is there before its effects are carried out, in their order', () => {
  const { controller, endpoint, hooks, log } = controlled([SERVING, REROUTE])
  hooks.onReported = (change) =>
    log.push(`reported ${JSON.stringify(change)} in ${controller.epoch}`)
  hooks.onRoutesChanged = () => log.push(`rerouted in ${controller.epoch}`)
  controller.connected(endpoint)
  expect(log).toEqual(['decide connected', 'reported {"serving":true} in 1', 'rerouted in 1'])
})

test('what is observed while effects are carried out waits until all of them have been', () => {
  const { controller, endpoint, hooks, log } = controlled([SERVING, REROUTE])
  hooks.onReported = () => {
    if (controller.epoch === 1) controller.trouble(endpoint, 'lost', 'reset')
    log.push('reported')
  }
  hooks.onRoutesChanged = () => log.push('rerouted')
  controller.connected(endpoint)
  expect(log).toEqual([
    'decide connected',
    'reported',
    'rerouted',
    'decide troubled',
    'reported',
    'rerouted',
  ])
})

test('listeners hear of it at the end, and what they cause is decided at once', () => {
  const { controller, endpoint, events, hooks, log } = controlled([REPORTED, REROUTE])
  hooks.onRoutesChanged = () => log.push('rerouted')
  events.on('rightsGranted', () => {
    log.push('received')
    if (controller.epoch === 1) controller.stop()
  })
  controller.connected(endpoint)
  expect(log).toEqual(['decide connected', 'rerouted', 'received', 'decide stopped'])
})

test('an effect that throws leaves the next observation to be decided', () => {
  const { controller, endpoint, hooks, log } = controlled([REROUTE])
  hooks.onRoutesChanged = () => {
    throw new Error('no route')
  }
  expect(() => controller.connected(endpoint)).toThrow('no route')
  controller.stop()
  expect(log).toEqual(['decide connected', 'decide stopped'])
})

test('an observation of an endpoint that has left, or of another with its id, changes nothing', () => {
  const { controller, log } = controlled([])
  const { endpoint: stranger } = controlled([])
  controller.trouble(stranger, 'lost', 'reset')
  controller.drain(stranger, 'ends')
  controller.connected(stranger)
  expect(log).toEqual([])
})
