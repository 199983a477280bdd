import { useFerry } from './ferry-context.js'
import { FileButton } from './parts/file-button.js'
import { useWords } from './words.js'

const takesFolders = 'webkitdirectory' in HTMLInputElement.prototype

/** Where it begins: wide while the page is empty, one row when there is something to look at below. */
export function DropArea() {
  const { text } = useWords()
  const isCompact = useFerry().cards.value.length > 0
  return (
    <section class={`drop ${isCompact ? 'compact' : 'sheet'}`} aria-labelledby="drop-title">
      <h1 id="drop-title" tabIndex={-1}>
        {text.drop.title}
      </h1>
      <div class="choose">
        <FileButton kind="main" label={text.drop.chooseFiles} />
        {takesFolders && <FileButton isFolder label={text.drop.chooseFolder} />}
      </div>
      <p class="hint">{text.drop.hint}</p>
      {!isCompact && <p class="promise">{text.drop.promise}</p>}
    </section>
  )
}
