export type Language = 'zh-CN' | 'en'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The language of all messages: FERRY_LANG, else the POSIX locale, else (Windows, macOS) the system's.
 * English locales get English, everything else (`C`, `C.UTF-8`, none) the documented Chinese lines.
 */
export function pickLanguage(env: Environment, platform: string, systemLocale: () => string): Language {
  if (/^(en|zh)/i.test(env['FERRY_LANG'] ?? '')) return languageOf(env['FERRY_LANG'])
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG']
  const systemKnows = platform === 'win32' || platform === 'darwin'
  return languageOf(locale || (systemKnows ? systemLocale() : ''))
}

function languageOf(locale: string | undefined): Language {
  return /^en/i.test(locale ?? '') ? 'en' : 'zh-CN'
}
