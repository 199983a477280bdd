import type { Language } from '../../messages/messages.js'

/** The first of the wishes that the page speaks, else English. */
export function pickLanguage(wishes: readonly (string | null)[]): Language {
  const wish = wishes.find((wish) => wish && /^(zh|en)\b/i.test(wish))
  return wish && /^zh/i.test(wish) ? 'zh-CN' : 'en'
}
