import assert from 'node:assert/strict'
import { createConnectionManager } from '@connmgr/pg'
import { connmgrMetrics } from '@connmgr/prometheus'
import * as successor from '@prometheus-io/client'
import * as promClient from 'prom-client'
import { sameType, WATCHFUL } from './expect.js'

/** What registries of both libraries have of one another. */
interface Shown {
  metrics(): Promise<string>
  getMetricsAsJSON(): Promise<readonly { readonly name: string }[]>
}

const manager = createConnectionManager(WATCHFUL)

/** The series of a text, without their values: those of a live pool are others at the next look. */
function seriesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
    .sort()
}

async function main(): Promise<void> {
  await manager.use((client) => client.query('select 1'))
  const metrics = connmgrMetrics(manager)
  const old = new promClient.Registry()
  const plain = new successor.Registry()
  const labelled = new successor.Registry()
  labelled.setDefaultLabels({ app: 'shop' })
  const open = new successor.Registry(successor.Registry.OPENMETRICS_CONTENT_TYPE)
  const removers = [
    metrics.register(old),
    metrics.register(plain),
    metrics.register(labelled),
    metrics.register(open),
  ]
  sameType<typeof removers, (() => void)[]>()

  const wanted = seriesOf(metrics.metrics())
  assert(wanted.length > 20)
  assert.deepEqual(seriesOf(await plain.metrics()), wanted)
  assert.deepEqual(seriesOf(await old.metrics()), wanted)
  const ACQUIRED = /^connmgr_connection_acquired_total\{.*\} 1$/m
  for (const registry of [old, plain]) assert.match(await registry.metrics(), ACQUIRED)
  for (const line of seriesOf(await labelled.metrics())) assert.match(line, /app="shop"/)
  const text = await open.metrics()
  assert.match(text, /^# TYPE connmgr_connection_acquired counter$/m)
  assert.match(text, ACQUIRED)
  assert.deepEqual(seriesOf(await open.metrics()), seriesOf(text))

  for (const registry of [old, plain] as readonly Shown[]) {
    const names = (await registry.getMetricsAsJSON()).map(({ name }) => name)
    assert(names.includes('connmgr_pool_open'))
  }
  assert.throws(() => connmgrMetrics(manager).register(plain), /already been registered/)
  for (const remove of removers) remove()
  for (const registry of [old, plain] as readonly Shown[])
    assert.deepEqual(seriesOf(await registry.metrics()), [])
  metrics.stop()
  await manager.close()
}

void main()
