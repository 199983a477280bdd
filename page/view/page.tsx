import type { Language } from '../messages/messages.js'
import { Announcements } from './announcer.js'
import { useLeaveWarning } from './browser/leave.js'
import { usePaste } from './browser/paste.js'
import { useTitle } from './browser/title.js'
import { CardList } from './cards/card-list.js'
import { useOverall } from './cards/use-overall.js'
import { DropArea } from './drop-area.js'
import { History } from './earlier/history.js'
import { UnfinishedList } from './earlier/unfinished.js'
import { useFerry } from './ferry-context.js'
import { Header } from './header.js'
import { Overlay } from './overlay.js'
import { Refusals } from './refusals.js'
import { Token } from './token.js'
import { useWords } from './words.js'

export function Page({ onLanguage }: { onLanguage: (language: Language) => void }) {
  const { text } = useWords()
  usePaste(useFerry())
  return (
    <>
      <Header onLanguage={onLanguage} />
      <main>
        <DropArea />
        <Token />
        <Refusals />
        <CardList />
        <UnfinishedList />
        <History />
        <Overlay />
      </main>
      <footer>{text.footer}</footer>
      <Announcements />
      <Tab />
    </>
  )
}

/** What shows outside of the page: the tab, and the browser's question before it closes. Apart, for it changes often. */
function Tab() {
  const state = useOverall()
  useTitle(state, useWords())
  useLeaveWarning(state.underWay > 0)
  return null
}
