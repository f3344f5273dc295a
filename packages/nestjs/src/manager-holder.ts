import { type HealthHandlers, healthHandlers } from '@connmgr/health'
import {
  type ManagerOptions,
  type ManagerSettings,
  type NestManager,
  resolveManager,
} from './options.js'

/** A manager in an application: made or found at its start, and closed at its end if it was made for it. */
export class ManagerHolder {
  /** Follows the manager from the start on. */
  readonly health: HealthHandlers

  private constructor(
    readonly manager: NestManager,
    readonly settings: ManagerSettings,
    readonly owned: boolean,
    name: string,
  ) {
    const { graceMs, requires } = settings.health ?? {}
    const watched = { manager, name, ...(requires === undefined ? {} : { requires }) }
    this.health = healthHandlers(watched, graceMs === undefined ? {} : { graceMs })
  }

  /**
   * @param given what `forRoot` or a factory of `forRootAsync` gives
   * @param beside settings beside the factory
   */
  static async open(
    name: string,
    given: NestManager | ManagerOptions,
    beside: ManagerSettings,
  ): Promise<ManagerHolder> {
    const { manager, owned, settings } = await resolveManager(given, beside)
    const { waitUntilReady = false } = settings
    try {
      if (waitUntilReady !== false)
        await manager.ready(waitUntilReady === true ? {} : { ...waitUntilReady })
      return new ManagerHolder(manager, settings, owned, name)
    } catch (error) {
      // Nest runs no hooks of an application that has not started.
      if (owned) await manager.close({ drainTimeoutMs: 0 })
      throw error
    }
  }

  /** Closes the manager if that is for the module to do. */
  async close(): Promise<void> {
    const { drainTimeoutMs } = this.settings
    if (this.owned) await this.manager.close(drainTimeoutMs === undefined ? {} : { drainTimeoutMs })
  }
}
