import type { Failure } from './failure.js'

/** An error of a library, by its fields. */
export type LibraryError = Readonly<Record<string, unknown>>

/** How to read the errors of one library that runs work: where it hides what its driver has said. */
export interface ErrorReader {
  /** What the library says in words of its own; undefined if nothing. */
  failureOf?(error: LibraryError): Failure | undefined
  /** What it wraps elsewhere than in `cause`. */
  wrappedBy?(error: LibraryError): readonly unknown[]
  /** The error of the driver, if it has kept notes of that only. */
  originalOf?(error: LibraryError): unknown
}

const readers = new Set<ErrorReader>()

/** Has the errors of a library read from now on, whichever manager's work fails by them. Again is once. */
export function registerErrors(reader: ErrorReader): void {
  readers.add(reader)
}

export function saidByLibrary(error: LibraryError): Failure | undefined {
  for (const reader of readers) {
    const said = reader.failureOf?.(error)
    if (said !== undefined) return said
  }
  return undefined
}

export function wrappedByLibrary(error: LibraryError): unknown[] {
  return [...readers].flatMap((reader) => [...(reader.wrappedBy?.(error) ?? [])])
}

export function originalOf(error: LibraryError): unknown {
  for (const reader of readers) {
    const original = reader.originalOf?.(error)
    if (original !== undefined) return original
  }
  return error
}
