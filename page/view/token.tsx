import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { useFerry } from './ferry-context.js'
import { Button } from './parts/button.js'
import { Icon } from './parts/icon.js'
import { useWords } from './words.js'

/** Asks for the server's token. Closed without one it stays closed, and a notice opens it again. */
export function Token() {
  const { text } = useWords()
  const state = useFerry().token.value
  const [isClosed, setIsClosed] = useState(false)
  useEffect(() => setIsClosed(false), [state])
  if (state === 'fine') return null
  if (!isClosed) return <TokenDialog isWrong={state === 'wrong'} onClose={() => setIsClosed(true)} />
  return (
    <div class="notice">
      <Icon name="alert" />
      <span>{text.token.missing}</span>
      <Button kind="tinted" onClick={() => setIsClosed(false)}>
        {text.token.enter}
      </Button>
    </div>
  )
}

function TokenDialog({ isWrong, onClose }: { isWrong: boolean; onClose: () => void }) {
  const { text } = useWords()
  const ferry = useFerry()
  const dialog = useRef<HTMLDialogElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  useEffect(() => {
    const opened = dialog.current
    opened?.showModal()
    // Closed from here, it gives the focus back; only closed by a person it means something.
    opened?.addEventListener('close', onClose)
    return () => {
      opened?.removeEventListener('close', onClose)
      opened?.close()
    }
  }, [])
  useEffect(() => {
    if (isWrong) field.current?.select()
  }, [isWrong])
  const submit = (form: HTMLFormElement) => {
    const data = new FormData(form)
    const token = data.get('token')
    if (typeof token === 'string') ferry.giveToken(token.trim(), data.has('remember'))
  }
  return (
    <dialog class="token" ref={dialog} aria-labelledby={`${id}-title`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit(event.currentTarget)
        }}
      >
        <h2 id={`${id}-title`}>{text.token.title}</h2>
        <label for={`${id}-token`}>{text.token.label}</label>
        <input
          id={`${id}-token`}
          name="token"
          ref={field}
          type="password"
          required
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `${id}-wrong` : undefined}
        />
        {isWrong && (
          <p class="wrong" role="alert" id={`${id}-wrong`}>
            {text.token.wrong}
          </p>
        )}
        <label class="check">
          <input type="checkbox" name="remember" />
          {text.token.remember}
        </label>
        <div class="actions">
          <button class="button main">{text.token.submit}</button>
          <Button onClick={() => dialog.current?.close()}>{text.card.cancel}</Button>
        </div>
      </form>
    </dialog>
  )
}
