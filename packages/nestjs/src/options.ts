import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import type { HealthManager, HealthOptions, WatchedManager } from '@connmgr/health'
import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common'
import { checkName, DEFAULT_NAME } from './tokens.js'

/** The manager of any database, as far as the module needs it. */
export interface NestManager extends HealthManager {
  close(options?: { drainTimeoutMs?: number }): Promise<void>
}

/** What a module does with its manager. */
export interface ManagerSettings {
  /**
   * Whether the module closes the manager when the application shuts down. `@default` true for one that a function has
   * made, false for one that was there
   */
  readonly close?: boolean
  /** How long `close` waits for connections that are in use, in milliseconds. `@default` 10_000 */
  readonly drainTimeoutMs?: number
  /**
   * Whether the application starts only when the manager is ready, and fails to start with the reason if it is not within
   * `timeoutMs` (`@default` the manager's `startTimeoutMs`). `@default` false
   */
  readonly waitUntilReady?: boolean | { readonly timeoutMs?: number }
  /** What the health indicator goes by. */
  readonly health?: Pick<HealthOptions, 'graceMs'> & Pick<WatchedManager, 'requires'>
}

/** A manager for a module, and what is done with it. */
export interface ManagerOptions<M extends NestManager = NestManager> extends ManagerSettings {
  /** A manager that is there, which stays yours to close; or a function that makes one, which the module closes. */
  readonly manager: M | (() => M | Promise<M>)
}

interface ModuleSettings {
  /** Tells several managers of one application apart. `@default` the one that is injected without a name */
  readonly name?: string
  /** Whether every module can inject the manager, or those alone that import this one. `@default` true */
  readonly global?: boolean
}

/** Options of `ConnmgrModule.forRoot`. */
export interface ConnmgrModuleOptions<M extends NestManager = NestManager>
  extends ManagerOptions<M>,
    ModuleSettings {}

/** A class that makes options, for `useClass` and `useExisting`. */
export interface ConnmgrOptionsFactory<M extends NestManager = NestManager> {
  createConnmgrOptions(): M | ManagerOptions<M> | Promise<M | ManagerOptions<M>>
}

/**
 * Options of `ConnmgrModule.forRootAsync`: one of `useFactory`, `useClass` and `useExisting`. A manager that is returned
 * was made there, and the module closes it; options that are returned go before those beside.
 */
export interface ConnmgrModuleAsyncOptions<M extends NestManager = NestManager>
  extends ManagerSettings,
    ModuleSettings,
    Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject']
  /** Called with what `inject` names. */
  readonly useFactory?: (
    ...dependencies: never[]
  ) => ReturnType<ConnmgrOptionsFactory<M>['createConnmgrOptions']>
  readonly useClass?: Type<ConnmgrOptionsFactory<M>>
  readonly useExisting?: Type<ConnmgrOptionsFactory<M>>
}

const SETTING_NAMES = ['close', 'drainTimeoutMs', 'waitUntilReady', 'health'] as const
const MODULE_NAMES = ['name', 'global'] as const
const SYNC_NAMES = ['manager', ...SETTING_NAMES, ...MODULE_NAMES]
const WAYS = ['useFactory', 'useClass', 'useExisting'] as const
const ASYNC_NAMES = [...SETTING_NAMES, ...MODULE_NAMES, 'imports', 'inject', ...WAYS]

/** Options with their defaults. */
export interface ResolvedModule {
  readonly name: string
  readonly global: boolean
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveModule(options: ConnmgrModuleOptions): ResolvedModule {
  requireObject('options', options)
  rejectUnknownOptions(options, SYNC_NAMES, 'ConnmgrModule.forRoot')
  checkSettings(options)
  if (!isManager(options.manager) && typeof options.manager !== 'function')
    throw noManager(options.manager)
  return moduleSettings(options)
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveAsyncModule(options: ConnmgrModuleAsyncOptions): ResolvedModule {
  requireObject('options', options)
  rejectUnknownOptions(options, ASYNC_NAMES, 'ConnmgrModule.forRootAsync')
  checkSettings(options)
  const ways = WAYS.filter((each) => options[each] !== undefined)
  if (ways.length !== 1)
    throw invalidOption(
      'useFactory',
      ways.join(' and ') || undefined,
      `the only one of ${WAYS.join(', ')}`,
    )
  return moduleSettings(options)
}

/** A manager, whose it is, and what is done with it. */
export interface ResolvedManager {
  readonly manager: NestManager
  readonly settings: ManagerSettings
  readonly owned: boolean
}

/**
 * @param given what `forRoot` or a factory of `forRootAsync` gives
 * @param beside settings beside the factory
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export async function resolveManager(
  given: NestManager | ManagerOptions,
  beside: ManagerSettings,
): Promise<ResolvedManager> {
  if (isManager(given)) return { manager: given, settings: beside, owned: beside.close ?? true }
  if (typeof given !== 'object' || given === null) throw noManager(given)
  const names = Object.keys(beside).length === 0 ? SYNC_NAMES : ['manager', ...SETTING_NAMES]
  rejectUnknownOptions(given, names, 'the options of a ConnmgrModule')
  checkSettings(given)
  const settings = { ...beside, ...given }
  const made = typeof given.manager === 'function'
  const manager = made ? await (given.manager as () => unknown)() : given.manager
  if (!isManager(manager)) throw noManager(manager)
  return { manager, settings, owned: settings.close ?? made }
}

function moduleSettings({ global = true, name = DEFAULT_NAME }: ModuleSettings): ResolvedModule {
  if (typeof global !== 'boolean') throw invalidOption('global', global, 'true or false')
  return { global, name: checkName(name) }
}

function checkSettings({ close, drainTimeoutMs, health, waitUntilReady }: ManagerSettings): void {
  if (close !== undefined && typeof close !== 'boolean')
    throw invalidOption('close', close, 'true or false')
  checkTime('drainTimeoutMs', drainTimeoutMs)
  if (health !== undefined) {
    requireObject('health', health)
    rejectUnknownOptions(health, ['graceMs', 'requires'], 'health')
  }
  if (waitUntilReady === undefined || typeof waitUntilReady === 'boolean') return
  if (typeof waitUntilReady !== 'object' || waitUntilReady === null)
    throw invalidOption('waitUntilReady', waitUntilReady, 'true, false or an object')
  rejectUnknownOptions(waitUntilReady, ['timeoutMs'], 'waitUntilReady')
  checkTime('waitUntilReady.timeoutMs', waitUntilReady.timeoutMs)
}

function checkTime(option: string, value: unknown): void {
  if (value !== undefined && !(typeof value === 'number' && value >= 0 && Number.isFinite(value)))
    throw invalidOption(option, value, 'a number of milliseconds from 0')
}

function requireObject(option: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw invalidOption(option, value, 'an object')
}

function isManager(value: unknown): value is NestManager {
  if (typeof value !== 'object' || value === null) return false
  const { close, getHealthStatus, on } = value as Partial<NestManager>
  return [close, getHealthStatus, on].every((each) => typeof each === 'function')
}

function noManager(value: unknown) {
  return invalidOption('manager', value, 'a ConnectionManager, or a function that makes one')
}
