import { Writable } from 'node:stream'

/** COPY, as a package for it does it: as a stream that sends what is written to it. */
export class CopyIn extends Writable {
  readonly text = 'copy rows from stdin'
  callback: undefined
  #connection: { stream: { write(bytes: Buffer): void } } | undefined
  #begin = (): void => {}
  #fail = (_error: Error): void => {}
  readonly #ready = new Promise<void>((resolve, reject) => {
    this.#begin = resolve
    this.#fail = reject
  })

  submit(connection: never): void {
    this.#connection = connection
    ;(connection as unknown as { query(text: string): void }).query(this.text)
  }
  handleCopyInResponse(): void {
    this.#begin()
  }
  handleCommandComplete(): void {}
  handleReadyForQuery(): void {
    this.emit('done')
  }
  handleError(error: Error): void {
    this.#ready.catch(() => {})
    this.#fail(error)
    this.destroy(error)
  }
  #send(type: string, body: Buffer): void {
    const head = Buffer.from(`${type}....`)
    head.writeInt32BE(body.length + 4, 1)
    this.#connection?.stream.write(Buffer.concat([head, body]))
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#ready.then(() => {
      this.#send('d', chunk)
      done()
    }, done)
  }
  override _final(done: (error?: Error) => void): void {
    this.#ready.then(() => {
      this.#send('c', Buffer.alloc(0))
      this.once('done', done)
    }, done)
  }
}
