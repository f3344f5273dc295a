/** What the handlers know of a request, on every server. */
export interface HealthRequest {
  readonly method: string
  /** The value of a header by its name, whatever its case. */
  header(name: string): string | undefined
}

/** What the handlers need of a request of `node:http`. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What the handlers need of a response of `node:http`. */
export interface NodeResponse {
  readonly headersSent: boolean
  writeHead(status: number, headers: Record<string, string>): unknown
  end(body?: string): unknown
}

export function fromNode({ headers, method = 'GET' }: NodeRequest): HealthRequest {
  return {
    method,
    header: (name) => {
      const value = headers[name.toLowerCase()]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

export function fromFetch({ headers, method }: Request): HealthRequest {
  return { method, header: (name) => headers.get(name) ?? undefined }
}
