import { signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

export type Announcer = ReturnType<typeof createAnnouncer>

/** Tells screen readers what happens: politely what succeeds, at once what doesn't. */
export function createAnnouncer() {
  const news = signal('')
  const alarm = signal('')
  return {
    news,
    alarm,
    tell: (text: string) => (news.value = again(news.value, text)),
    warn: (text: string) => (alarm.value = again(alarm.value, text)),
  }
}

/** The same words twice would be no change, and not be read out: a space at the end makes them one. */
function again(before: string, text: string): string {
  return before === text ? `${text}\u00A0` : text
}

export const AnnouncerContext = createContext<Announcer>(createAnnouncer())

export function useAnnouncer(): Announcer {
  return useContext(AnnouncerContext)
}

export function Announcements() {
  const { news, alarm } = useAnnouncer()
  return (
    <div class="unseen">
      <p role="status">{news}</p>
      <p role="alert">{alarm}</p>
    </div>
  )
}
