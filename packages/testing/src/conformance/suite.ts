/// <reference types="jest" />
import type { Endpoint } from '@connmgr/core'
import type { Driver, FailureKind } from '@connmgr/core/driver'
import { eventually } from '../eventually.js'
import { type Capability, type DriverHarness, type Opened, rejection } from './harness.js'

/** What the groups of conformance tests share: the harness, and the connections that the current test has opened. */
export class Suite<C extends object> {
  readonly without: readonly Capability[]
  readonly #opened: C[] = []
  #harness: DriverHarness<C> | undefined

  /** @param network whether connections go over one, which may be silent, and may cut them */
  constructor(
    setup: () => Promise<DriverHarness<C>>,
    without: readonly Capability[],
    readonly network: boolean,
  ) {
    this.without = without
    beforeAll(async () => {
      this.#harness = await setup()
    })
    afterEach(async () => {
      for (const connection of this.#opened.splice(0)) this.driver.destroy(connection)
      // The next test counts sessions and rows of its own.
      await eventually(async () => (await this.harness.countSessions()) === 0)
    })
    afterAll(() => this.#harness?.close())
  }

  get harness(): DriverHarness<C> {
    if (this.#harness === undefined)
      throw new Error('the setup of the conformance suite has failed')
    return this.#harness
  }

  get silent(): NonNullable<DriverHarness<C>['silent']> {
    const { silent } = this.harness
    if (silent === undefined)
      throw new Error('the harness of a database with a network needs "silent"')
    return silent
  }

  async cut(connection: C): Promise<void> {
    const { cut } = this.harness
    if (cut === undefined) throw new Error('the harness of a database with a network needs "cut"')
    await cut.call(this.harness, connection)
  }

  get driver(): Driver<C> {
    return this.harness.driver
  }

  has(...groups: Capability[]): boolean {
    return groups.every((group) => !this.without.includes(group))
  }

  /** A connection that is destroyed after the test. */
  async open(endpoint: Endpoint = this.harness.endpoint): Promise<Opened<C>> {
    const signals: Opened<C>['signals'] = []
    const connection = await this.driver.connect(endpoint, {
      signal: new AbortController().signal,
      onSignal: (signal) => signals.push(signal),
    })
    this.#opened.push(connection)
    return { connection, signals }
  }

  /** What the driver makes of the error of a promise that must reject. */
  async kindOf(promise: Promise<unknown>): Promise<FailureKind> {
    return this.driver.classify(await rejection(promise))
  }
}
