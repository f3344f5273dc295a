import {
  createLogger as createWinstonLogger,
  format,
  type Logger,
  type LoggerOptions,
  transports,
} from 'winston'
import { connmgrFormat } from './format.js'

export interface LoggerSettings {
  /** The least urgent level to log. `@default` 'info' */
  readonly level?: string
  /** Where to. `@default` the console, warnings and errors to stderr */
  readonly transports?: LoggerOptions['transports']
  /** Fields of every entry. `@default` { service: 'connmgr' } */
  readonly defaultMeta?: object
}

/**
 * A winston logger that writes one line of JSON per event, without secrets. Pass it as `logger` to a manager.
 *
 * @example
 * const manager = createConnectionManager({ logger: createLogger({ level: 'debug' }) })
 */
export function createLogger(settings: LoggerSettings = {}): Logger {
  return createWinstonLogger({
    level: settings.level ?? 'info',
    defaultMeta: settings.defaultMeta ?? { service: 'connmgr' },
    format: format.combine(connmgrFormat(), format.timestamp(), format.json()),
    transports: settings.transports ?? new transports.Console({ stderrLevels: ['warn', 'error'] }),
  })
}
