/** Rows of the table that is asked; ids are those below. */
export const ROWS = 1000

/** Something that runs one query; `close` ends it. */
export interface Subject {
  readonly query: (id: number) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

export type Opener = (url: string) => Promise<Subject>

/** By what is compared, then by contender. */
export type Cases = Readonly<Record<string, Readonly<Record<string, Opener>>>>
