import { InvalidOptionError } from '@connmgr/core'
import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common'
import { ModulesContainer } from '@nestjs/core'
import { ConnmgrHealthIndicator } from './health-indicator.js'
import { ManagerHolder } from './manager-holder.js'
import {
  type ConnmgrModuleAsyncOptions,
  type ConnmgrModuleOptions,
  type ConnmgrOptionsFactory,
  type ManagerOptions,
  type NestManager,
  type ResolvedModule,
  resolveAsyncModule,
  resolveModule,
} from './options.js'
import { getConnectionManagerToken, holderToken } from './tokens.js'

/** The holder and the name of this very module. */
const OWN = 'connmgr:own'

interface Own {
  readonly holder: ManagerHolder
  readonly name: string
}

/**
 * Provides a manager of connections to an application, and a health indicator for it. Import it once for each manager.
 * As the application shuts down, readiness fails first, Nest closes its servers, and then the manager is closed.
 *
 * @example
 * ConnmgrModule.forRoot({ manager: () => createConnectionManager({ poolSize: 5 }) })
 */
@Module({})
export class ConnmgrModule implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  readonly #own: Own
  readonly #modules: ModulesContainer

  /** @internal Nest makes it. */
  constructor(@Inject(OWN) own: unknown, @Inject(ModulesContainer) modules: ModulesContainer) {
    this.#own = own as Own
    this.#modules = modules
  }

  /**
   * Registers a manager that is there, or one that a function makes.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  static forRoot<M extends NestManager>(options: ConnmgrModuleOptions<M>): DynamicModule {
    return moduleOf(resolveModule(options), [], {
      provide: OWN,
      useFactory: () => open(resolveModule(options).name, options, {}),
    })
  }

  /**
   * Registers a manager that needs other providers, such as a ConfigService.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * ConnmgrModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => createConnectionManager({ databaseUrl: config.get('DATABASE_URL') }),
   * })
   */
  static forRootAsync<M extends NestManager>(options: ConnmgrModuleAsyncOptions<M>): DynamicModule {
    const resolved = resolveAsyncModule(options)
    const { imports = [], inject = [], useClass, useExisting, useFactory } = options
    const { close, drainTimeoutMs, health, waitUntilReady } = options
    const beside = withoutUndefined({ close, drainTimeoutMs, health, waitUntilReady })
    const factory = useClass ?? useExisting
    const own: Provider =
      factory === undefined
        ? {
            provide: OWN,
            inject,
            useFactory: async (...dependencies: unknown[]) =>
              open(resolved.name, await useFactory?.(...(dependencies as never[])), beside),
          }
        : {
            provide: OWN,
            inject: [factory],
            useFactory: async (made: ConnmgrOptionsFactory<M>) =>
              open(resolved.name, await made.createConnmgrOptions(), beside),
          }
    return moduleOf(resolved, imports, own, ...(useClass === undefined ? [] : [useClass]))
  }

  /** @internal */
  onModuleInit(): void {
    const { name } = this.#own
    const token = getConnectionManagerToken(name)
    const having = [...this.#modules.values()].filter(
      ({ metatype, providers }) => metatype === ConnmgrModule && providers.has(token),
    )
    if (having.length > 1)
      throw new InvalidOptionError(
        'name',
        `option "name" must tell the managers of an application apart, but ${having.length} are called "${name}"`,
      )
  }

  /** @internal Comes before anything is closed: balancers are to know first. */
  async onModuleDestroy(): Promise<void> {
    await this.#own.holder.health.shutdown()
  }

  /** @internal Comes when no server of the application takes requests any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.#own.holder.close()
  }
}

async function open(name: string, given: unknown, beside: object): Promise<Own> {
  return {
    name,
    holder: await ManagerHolder.open(name, given as NestManager | ManagerOptions, beside),
  }
}

function moduleOf(
  { global, name }: ResolvedModule,
  imports: NonNullable<DynamicModule['imports']>,
  own: Provider,
  ...more: Provider[]
): DynamicModule {
  const managerToken = getConnectionManagerToken(name)
  return {
    module: ConnmgrModule,
    global,
    imports,
    providers: [
      ...more,
      own,
      { provide: holderToken(name), inject: [OWN], useFactory: ({ holder }: Own) => holder },
      { provide: managerToken, inject: [OWN], useFactory: ({ holder }: Own) => holder.manager },
      ConnmgrHealthIndicator,
    ],
    exports: [managerToken, holderToken(name), ConnmgrHealthIndicator],
  }
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>
}
