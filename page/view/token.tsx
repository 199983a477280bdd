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
      <Button onClick={() => setIsClosed(false)}>{text.token.enter}</Button>
    </div>
  )
}

function TokenDialog({ isWrong, onClose }: { isWrong: boolean; onClose: () => void }) {
  const { text } = useWords()
  const ferry = useFerry()
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opened = dialog.current
    opened?.showModal()
    return () => opened?.close()
  }, [])
  const submit = (form: HTMLFormElement) => {
    const data = new FormData(form)
    const token = data.get('token')
    if (typeof token === 'string') ferry.giveToken(token.trim(), data.has('remember'))
  }
  return (
    <dialog class="token" ref={dialog} aria-labelledby={`${id}-title`} onClose={onClose}>
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
          type="password"
          required
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `${id}-wrong` : undefined}
        />
        {isWrong && (
          <p class="wrong" id={`${id}-wrong`}>
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
