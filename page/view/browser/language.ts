import type { Language } from '../../messages/messages.js'
import { pickLanguage } from '../format/pick-language.js'

const KEY = 'ferry-language'

/** What was chosen here before, else the first language of the browser's that the page speaks, else English. */
export function preferredLanguage(): Language {
  return pickLanguage([readChoice(), ...navigator.languages])
}

export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language)
  } catch {
    // A browser that keeps nothing asks its own languages again next time.
  }
}

function readChoice(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
