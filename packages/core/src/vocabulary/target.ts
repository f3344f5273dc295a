/** What a caller wants to be connected to. */
export type Target = 'primary' | 'standby' | 'prefer-standby' | 'any'
export const TARGETS: readonly Target[] = ['primary', 'standby', 'prefer-standby', 'any']
