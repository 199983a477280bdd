import type { Language } from '../messages/messages.js'
import { Mark } from './parts/mark.js'
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
