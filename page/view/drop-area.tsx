import { useFerry } from './ferry-context.js'
import { FileButton } from './parts/file-button.js'
import { Mark } from './parts/mark.js'
import { useWords } from './words.js'

const takesFolders = 'webkitdirectory' in HTMLInputElement.prototype
/** A finger can't drop anything. */
const canDrop = matchMedia('(any-hover: hover)').matches

/** Where it begins: wide while the page is empty, one row when there is something to look at below. */
export function DropArea() {
  const { text } = useWords()
  const isCompact = useFerry().cards.value.length > 0
  return (
    <section class={`drop ${isCompact ? 'compact' : 'wide'}`} aria-labelledby="drop-title">
      <h1 id="drop-title" tabIndex={-1}>
        {canDrop ? text.drop.title : text.drop.titleForFingers}
      </h1>
      <div class="choose">
        <FileButton kind={isCompact ? 'tinted' : 'main'} label={text.drop.chooseFiles} />
        {takesFolders && <FileButton isFolder label={text.drop.chooseFolder} />}
      </div>
      {canDrop && <p class="hint">{text.drop.hint}</p>}
      {!isCompact && (
        <>
          <Crossing />
          <p class="promise">{text.drop.promise}</p>
        </>
      )}
    </section>
  )
}

/** From shore to shore: what lies behind the ferry stays done. */
function Crossing() {
  return (
    <div class="crossing" aria-hidden="true">
      <Mark />
    </div>
  )
}
