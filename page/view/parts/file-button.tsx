import { useId } from 'preact/hooks'
import { useFerry } from '../ferry-context.js'
import { Icon } from './icon.js'

interface Properties {
  label: string
  /** The id of what it is for, where only hearing tells one button from the next. */
  about?: string
  kind?: 'main' | 'tinted' | 'quiet'
  isFolder?: boolean
  isSingle?: boolean
}

/** A real file input that looks like a button: the label is seen, the input has the focus. */
export function FileButton({ label, about, kind = 'quiet', isFolder = false, isSingle = false }: Properties) {
  const ferry = useFerry()
  const id = useId()
  const take = (input: HTMLInputElement) => {
    ferry.add([...(input.files ?? [])])
    // Choosing the same file once more shall be a change, too.
    input.value = ''
  }
  return (
    <span class="file-button">
      <input
        id={id}
        class="unseen"
        type="file"
        aria-describedby={about}
        multiple={!isSingle}
        {...(isFolder && { webkitdirectory: true })}
        onChange={(event) => take(event.currentTarget)}
      />
      <label for={id} class={`button ${kind}`}>
        <Icon name={isFolder ? 'folder' : 'file'} />
        {label}
      </label>
    </span>
  )
}
