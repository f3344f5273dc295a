const ADDRESS = /(\bhttps?:\/\/[^\s/"'<>)]+)\/[^\s"'<>)]*/gi

/** A text in which of each HTTP address the scheme and host alone are left: the paths of webhooks are secrets. */
export function withoutPaths(text: string): string {
  return text.replace(ADDRESS, '$1/***')
}
