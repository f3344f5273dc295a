export type { ManagerOptions } from '@connmgr/core'
