/** Why an action is not done, in words for the visitor. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** Of the answer. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
