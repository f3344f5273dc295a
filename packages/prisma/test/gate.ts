/** Holds those that await `passed` until it is opened. */
export class Gate {
  readonly passed: Promise<void>
  open = (): void => {}

  constructor() {
    this.passed = new Promise((resolve) => {
      this.open = resolve
    })
  }
}
