import type { Type } from '@nestjs/common'
import type { ModuleRef } from '@nestjs/core'

/** One result in the making, as the session of Terminus' HealthIndicatorService. */
export interface HealthSession {
  up(data: object): object
  down(data: object): object
  /** From Terminus 12.1 on. */
  degraded?(data: object): object
}

interface HealthIndicatorService {
  check(key: string): HealthSession
}

let terminus: Promise<Type<HealthIndicatorService> | undefined> | undefined

/** The session of the application's HealthIndicatorService; without one, its like, as results are plain objects. */
export async function sessionFor(modules: ModuleRef, key: string): Promise<HealthSession> {
  terminus ??= loadService()
  const service = await terminus
  if (service === undefined) return plainSession(key)
  let found: HealthIndicatorService
  try {
    found = modules.get(service, { strict: false })
  } catch {
    // TerminusModule is not imported: then another asks for the result.
    return plainSession(key)
  }
  return found.check(key)
}

/** Undefined if Terminus is not installed. It is optional, and so is not imported before it is needed. */
async function loadService(): Promise<Type<HealthIndicatorService> | undefined> {
  try {
    const { HealthIndicatorService } = await import('@nestjs/terminus')
    return HealthIndicatorService
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function plainSession(key: string): HealthSession {
  return {
    up: (data) => ({ [key]: { ...data, status: 'up' } }),
    down: (data) => ({ [key]: { ...data, status: 'down' } }),
  }
}
