import { signal, type Signal } from '@preact/signals'
import { render } from 'preact'
import type { Ferry } from '../engine/ferry.js'
import type { Language } from '../messages/messages.js'
import { AnnouncerContext, createAnnouncer } from './announcer.js'
import { keepLanguage, preferredLanguage } from './browser/language.js'
import { FerryContext } from './ferry-context.js'
import { Page } from './page.js'
import { loadWords, type Words, WordsContext } from './words.js'
import './style/style.css'

/** Shows the page in that element, in the language that its reader prefers. */
export async function start(ferry: Ferry, element: Element): Promise<void> {
  const words = await loadWords(preferredLanguage()).catch(() => loadWords('en'))
  render(<Root ferry={ferry} words={signal(words)} announcer={createAnnouncer()} />, element)
}

interface Properties {
  ferry: Ferry
  words: Signal<Words>
  announcer: ReturnType<typeof createAnnouncer>
}

function Root({ ferry, words, announcer }: Properties) {
  document.documentElement.lang = words.value.text.language
  const speak = async (language: Language) => {
    try {
      words.value = await loadWords(language)
      keepLanguage(language)
    } catch {
      announcer.warn(words.value.text.news.noLanguage)
    }
  }
  return (
    <FerryContext.Provider value={ferry}>
      <WordsContext.Provider value={words.value}>
        <AnnouncerContext.Provider value={announcer}>
          <Page onLanguage={(language) => void speak(language)} />
        </AnnouncerContext.Provider>
      </WordsContext.Provider>
    </FerryContext.Provider>
  )
}
