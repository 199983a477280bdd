import { useFerry } from './ferry-context.js'
import { useWords } from './words.js'

/** Over the whole page while files are held over it: there is no wrong place to drop them. */
export function Overlay() {
  const { text } = useWords()
  if (!useFerry().isDragging.value) return null
  return (
    <div class="overlay" aria-hidden="true">
      <p>{text.drop.anywhere}</p>
    </div>
  )
}
