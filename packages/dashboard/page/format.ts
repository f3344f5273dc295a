/** A time as people read it; a dash for what is not known. */
export function time(ms: number | null | undefined): string {
  if (ms === undefined || ms === null) return '–'
  if (ms < 1) return `${ms.toFixed(2)} ms`
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}

/** The hour of an event; with its day if that was not today. */
export function hour(iso: string): string {
  const at = new Date(iso)
  const clock = at.toLocaleTimeString()
  return at.toDateString() === new Date().toDateString()
    ? clock
    : `${at.toLocaleDateString()} ${clock}`
}

/** A file as from the folder of the program. */
export function place(
  site: string | { readonly file: string; readonly line: number } | undefined,
  directory: string,
): string {
  if (site === undefined) return 'unknown'
  const text = typeof site === 'string' ? site : `${site.file}:${site.line}`
  return directory === '' ? text : text.replaceAll(`${directory}/`, '')
}
