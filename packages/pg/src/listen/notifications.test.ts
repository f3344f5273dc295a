import { EventEmitter } from 'node:events'
import type { ConnmgrEvent } from '@connmgr/core'
import type { ConnectionSignal, DedicatedConnection } from '@connmgr/core/driver'
import { FakeClock } from '@connmgr/testing'
import fc from 'fast-check'
import type { Client } from 'pg'
import { Notifications } from './notifications.js'

const CHANNELS = ['a', 'b'] as const
type Channel = (typeof CHANNELS)[number]

/** One connection, as far as listening uses it. */
class FakeSession extends EventEmitter {
  readonly listening = new Set<string>()
  open = true

  constructor(
    readonly endpoint: string,
    readonly clock: FakeClock,
    readonly onSignal: (signal: ConnectionSignal) => void,
    readonly slowMs: () => number,
  ) {
    super()
  }

  async query({ text }: { text: string }): Promise<object> {
    await pause(this.clock, this.slowMs())
    if (!this.open) throw new Error('the connection is gone')
    const [, command, channel] = /^(LISTEN|UNLISTEN) "(.*)"$/.exec(text) ?? []
    if (command === 'LISTEN') this.listening.add(channel as string)
    else this.listening.delete(channel as string)
    return { rows: [], fields: [], command }
  }

  lose(): void {
    if (!this.open) return
    this.open = false
    this.onSignal({ kind: 'lost', error: new Error('lost') })
  }

  dedicated(): DedicatedConnection<Client> {
    const close = async (): Promise<void> => {
      this.open = false
    }
    return {
      endpoint: { id: this.endpoint },
      connection: this,
      within: <T>(work: Promise<T>) => work,
      check: async () => {},
      destroy: () => void close(),
      close,
    } as unknown as DedicatedConnection<Client>
  }
}

interface Listener {
  readonly channel: Channel
  /** What it received, numbers of notifications and gaps, in order. */
  readonly log: (number | 'gap')[]
  /** Number of the first notification it must receive, or be reported to have missed. */
  from: number
  /** Number of the first it must not hear any more. */
  to: number
  stop: (() => void) | undefined
}

/** A writer that may move, servers that may refuse, and those who listen. */
class World {
  readonly clock = new FakeClock()
  readonly events: ConnmgrEvent[] = []
  readonly listeners: Listener[] = []
  sessions: FakeSession[] = []
  /** As the manager knows it; undefined while it knows none. */
  writer: string | undefined = 'one'
  refusing = false
  slowMs = 0
  /** Where notifications are sent. */
  #server = 'one'
  #sent = 0
  readonly #channelOf: Channel[] = []
  #onChange: () => void = () => {}
  readonly notifications = new Notifications({
    name: 'fake',
    clock: this.clock,
    acquireTimeoutMs: 600_000,
    writer: () => this.writer,
    connect: async (onSignal, abort) => {
      const at = this.writer
      await pause(this.clock, this.slowMs)
      abort.throwIfAborted()
      if (at === undefined) return undefined
      if (this.refusing) throw new Error('refused')
      const session = new FakeSession(at, this.clock, onSignal, () => this.slowMs)
      this.sessions.push(session)
      return session.dedicated()
    },
    emit: (event) => this.events.push(event),
    onChange: (listener) => {
      this.#onChange = listener
      return () => {
        this.#onChange = () => {}
      }
    },
  })

  get open(): FakeSession[] {
    return this.sessions.filter(({ open }) => open)
  }

  listen(channel: Channel): void {
    const listener: Listener = {
      channel,
      log: [],
      from: Number.NaN,
      to: Number.NaN,
      stop: undefined,
    }
    this.listeners.push(listener)
    this.notifications
      .listen(channel, ({ payload }) => void listener.log.push(Number(payload)), {
        onGap: () => void listener.log.push('gap'),
      })
      .then((stop) => {
        listener.from = this.#sent
        listener.stop = () => {
          stop()
          listener.to = this.#sent
          listener.stop = undefined
        }
      })
  }

  notify(channel: Channel): void {
    const number = this.#sent++
    this.#channelOf.push(channel)
    for (const session of this.open) {
      if (session.endpoint !== this.#server || !session.listening.has(channel)) continue
      queueMicrotask(() => {
        if (session.open)
          session.emit('notification', { channel, payload: String(number), processId: 1 })
      })
    }
  }

  move(writer: string | undefined): void {
    this.writer = writer
    this.#server = writer ?? this.#server
    this.#onChange()
  }

  /** No listener may miss a notification without hearing of the gap afterwards, or hear one twice or in another order. */
  check(): void {
    for (const { channel, from, log, stop, to } of this.listeners) {
      const received = log.filter((each) => each !== 'gap')
      expect(received).toEqual([...new Set(received)].sort((one, other) => one - other))
      // Who has stopped hears nothing of it, nor of a gap that it did not wait for.
      expect(received.filter((each) => each >= to)).toEqual([])
      if (stop === undefined) continue
      for (let number = from; number < this.#sent; number += 1) {
        if (this.#channelOf[number] !== channel || received.includes(number)) continue
        const gap = log.lastIndexOf('gap')
        const next = log.findIndex((each) => each !== 'gap' && each > number)
        expect([number, gap >= 0 && (next === -1 || log.slice(0, next).includes('gap'))]).toEqual([
          number,
          true,
        ])
      }
    }
  }
}

async function pause(clock: FakeClock, ms: number): Promise<void> {
  if (ms > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, ms))
}

const channel = fc.constantFrom(...CHANNELS)
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('listen' as const), channel }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('unlisten' as const), which: fc.nat(2) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('notify' as const), channel }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('move' as const),
        to: fc.constantFrom('one', 'two', undefined),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('refuse' as const), on: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('slow' as const), ms: fc.constantFrom(0, 5, 50) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(0, 1, 7, 20, 60, 300, 20_000),
      }),
    },
  ),
  { maxLength: 60 },
)

test('through any losses and moves, everybody hears each notification once, or of a gap after it', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const world = new World()
      for (const step of history) {
        if (step.do === 'listen') world.listen(step.channel)
        else if (step.do === 'unlisten') world.listeners[step.which]?.stop?.()
        else if (step.do === 'notify') world.notify(step.channel)
        else if (step.do === 'lose') for (const session of world.open) session.lose()
        else if (step.do === 'move') world.move(step.to)
        else if (step.do === 'refuse') world.refusing = step.on
        else if (step.do === 'slow') world.slowMs = step.ms
        else await world.clock.advance(step.ms)
      }
      world.refusing = false
      world.move('one')
      await world.clock.advance(5000)
      const wanted = new Set(world.listeners.filter(({ stop }) => stop).map((each) => each.channel))
      expect(world.open).toHaveLength(wanted.size === 0 ? 0 : 1)
      for (const session of world.open) expect(session.listening).toEqual(wanted)
      for (const each of CHANNELS) world.notify(each)
      await world.clock.settle()
      for (const { channel: each, log, stop } of world.listeners)
        if (stop) expect(log.at(-1)).toBeGreaterThanOrEqual(0)
        else
          expect(
            wanted.has(each) || world.open.every(({ listening }) => !listening.has(each)),
          ).toBe(true)
      world.check()
      const closing = world.notifications.close()
      await world.clock.advance(100)
      await closing
      expect(world.open).toEqual([])
      expect(world.clock.pendingTimers).toBe(0)
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 100) },
  )
})

test('what arrives before everything is subscribed again comes after the news of the gap', async () => {
  const world = new World()
  world.listen('a')
  world.listen('b')
  await world.clock.advance(10)
  world.slowMs = 50
  for (const session of world.open) session.lose()
  // Connected after 50 ms, prepared after 100, listening to the first channel after 150, to the second after 200.
  await world.clock.advance(170)
  expect(world.open[0]?.listening).toEqual(new Set(['a']))
  world.notify('a')
  await world.clock.advance(100)
  expect(world.listeners.map(({ log }) => log)).toEqual([['gap', 0], ['gap']])
  expect(world.events).toMatchObject([
    { type: 'notificationGap', endpoint: 'one', channels: ['a', 'b'], reason: 'lost' },
  ])
  await world.notifications.close()
})

test('who begins to listen after all others gave up in a gap hears everything, and of no gap', async () => {
  const world = new World()
  world.listen('a')
  await world.clock.advance(10)
  world.refusing = true
  for (const session of world.open) session.lose()
  await world.clock.advance(50)
  world.listeners[0]?.stop?.()
  await world.clock.advance(1000)
  world.refusing = false
  world.listen('a')
  await world.clock.advance(10)
  world.notify('a')
  await world.clock.settle()
  expect(world.listeners.map(({ log }) => log)).toEqual([[], [0]])
  await world.notifications.close()
})
