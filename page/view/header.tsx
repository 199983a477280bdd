import type { Language } from '../messages/messages.js'
import { useWords } from './words.js'

export function Header({ onLanguage }: { onLanguage: (language: Language) => void }) {
  const { text } = useWords()
  const other = text.language === 'en' ? 'zh-CN' : 'en'
  return (
    <header class="head">
      <p class="brand">
        <Mark />
        Ferry
      </p>
      <button type="button" class="language" lang={other} onClick={() => onLanguage(other)}>
        {text.otherLanguage}
      </button>
    </header>
  )
}

/** A porthole, half under water. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="10" />
      <path d="M5.5 12.6c1.1-.9 2.2-.9 3.25 0s2.15.9 3.25 0 2.2-.9 3.25 0 2.15.9 3.25 0a6.5 6.5 0 0 1-13 0z" />
    </svg>
  )
}
