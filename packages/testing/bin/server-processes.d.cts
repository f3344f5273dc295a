export interface ServerProcessInfo {
  readonly pid: number
  /** One letter as `ps` prints it: `T` is stopped. */
  readonly state: string
  readonly command: string
}
/** Every process of the database servers whose command line holds `word`. */
export function listChildren(pid: number): number[]
export function listServerProcesses(word: string): ServerProcessInfo[]
/** Sends a signal; false if there is no such process any more. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean
/** Removes the System V segment a killed server left behind. Call it before the data directory is removed. */
export function removeSharedMemory(dataDirectory: string): void
