import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import type { Window, WindowOrder } from './window.js'

const PROGRAM = path.join(__dirname, 'contender.js')

/** A process of contenders, which runs a window at each order. */
export class ContenderProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  /** @param module of the suite */
  constructor(module: string, url: string) {
    // The latencies of a window are an array of numbers, which JSON would write out.
    this.#child = fork(PROGRAM, [module, url], { serialization: 'advanced' })
    this.#ended = new Promise((_resolve, reject) => {
      this.#child.once('exit', (code) => {
        reject(new Error(`a process of ${module} has ended with ${code}`))
      })
    })
    // A kill ends it, too.
    this.#ended.catch(() => {})
  }

  async window(order: WindowOrder): Promise<Window> {
    const answer = new Promise<Window>((resolve) => {
      this.#child.once('message', (window) => resolve(window as Window))
    })
    this.#child.send(order)
    return Promise.race([answer, this.#ended])
  }

  end(): void {
    this.#child.kill()
  }
}
