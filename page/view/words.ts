import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { english } from '../messages/en.js'
import type { Language, Messages } from '../messages/messages.js'
import { createFormat, type Format } from './format/format.js'

/** What the page says, and how it writes figures. */
export interface Words {
  text: Messages
  format: Format
}

export const WordsContext = createContext<Words>(wordsOf(english))

export function useWords(): Words {
  return useContext(WordsContext)
}

/** English is always here, so that the page can speak over a line that breaks; the other language is fetched. */
export async function loadWords(language: Language): Promise<Words> {
  return wordsOf(language === 'en' ? english : (await import('../messages/zh.js')).chinese)
}

function wordsOf(text: Messages): Words {
  return { text, format: createFormat(text.language) }
}
