/** Rows of the table that is asked; ids are those below. */
export const ROWS = 1000

/** Something that runs one query; `close` ends it. */
export interface Subject {
  readonly query: (id: number) => Promise<unknown>
  readonly close: () => Promise<unknown>
  /** Called before each of its turns, and after it. */
  readonly begin?: () => void
  readonly end?: () => void
}

export type Opener = (url: string) => Promise<Subject>
