import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** What came of an action, in words. */
export interface Outcome {
  readonly done: boolean
  readonly text: string
}

interface ConfirmationProps {
  readonly question: string
  /** What it means for callers. */
  readonly consequence: string
  readonly perform: () => Promise<Outcome>
  /** Called once it is over: with what came of it, or with undefined if it was not wanted after all. */
  readonly onEnd: (outcome: Outcome | undefined) => void
}

/** Asks before something is done. The browser keeps the keyboard within, and Escape leaves. */
export function Confirmation(props: ConfirmationProps): JSX.Element {
  const { consequence, onEnd, perform, question } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const [busy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const confirm = (): void => {
    setBusy(true)
    perform().then((outcome) => {
      dialog.current?.close()
      onEnd(outcome)
    })
  }
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question"
      aria-describedby="consequence"
      onCancel={(event) => {
        // What has been sent is waited for.
        if (busy) event.preventDefault()
        else onEnd(undefined)
      }}
    >
      <h3 id="question">{question}</h3>
      <p id="consequence">{consequence}</p>
      <div class="buttons">
        <button type="button" disabled={busy} onClick={() => onEnd(undefined)}>
          Cancel
        </button>
        <button type="button" class="danger" disabled={busy} onClick={confirm}>
          {busy ? 'Under way…' : 'Do it'}
        </button>
      </div>
    </dialog>
  )
}
