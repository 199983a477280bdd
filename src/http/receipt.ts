import type { Request } from 'express'
import { FerryError } from '../errors.js'
import type { Language } from '../messages.js'
import { policyOfWords } from './policies.js'
import { receiptTexts } from './receipt-texts.js'

/** What became of a form: a link to the content, under the name that downloads get; or an error. */
export type Result = { status: 'ok' | 'exists'; url: string; name: string } | FerryError

const STYLE = `
body { max-width: 42rem; margin: 12vh auto; padding: 0 1.5rem; font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.25rem }
.link { font-size: 1.5rem; line-height: 1.4 }
.detail { opacity: 0.75; font-size: 0.875rem }
`
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': policyOfWords(STYLE),
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  Vary: 'Accept, Accept-Language',
}
/** What Java's HttpURLConnection accepts unless it is told otherwise: no browser, though it begins like one. */
const JAVA = /^text\/html, image\/gif, image\/jpeg, \*/

/**
 * Whether whoever sent the form is a browser without script, and gets a page to read: it names `text/html` and likes it
 * better than JSON (RFC 9110 12.5.1). Programs that accept anything get JSON.
 */
export function wantsReceipt(req: Request): boolean {
  const { accept = '' } = req.headers
  return /text\/html/i.test(accept) && !JAVA.test(accept) && req.accepts(['json', 'html']) === 'html'
}

/** The answer to a form as a page, in the language that the request prefers (RFC 9110 12.5.4): Chinese or English. */
export function receipt(result: Result, req: Request): { headers: Record<string, string>; body: string } {
  const language = req.acceptsLanguages('en', 'zh') === 'zh' ? 'zh-CN' : 'en'
  return { headers: HEADERS, body: document(result, language).text }
}

function document(result: Result, language: Language): Markup {
  const { title, main } = result instanceof FerryError ? refusal(result, language) : success(result, language)
  // The style goes out to the letter: its hash stands in the policy.
  return markup`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Ferry</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${main}
<p><a href="./">${receiptTexts(language).back}</a></p>
</main>
</body>
</html>
`
}

interface Words {
  title: string
  main: Markup
}

function success({ status, url, name }: Exclude<Result, FerryError>, language: Language): Words {
  const { stored, known, keep } = receiptTexts(language)
  return {
    title: status === 'exists' ? known : stored,
    main: markup`<p class="link"><a href="${url}">${url}</a></p>
<p>${name}</p>
<p>${keep}</p>`,
  }
}

function refusal(error: FerryError, language: Language): Words {
  const texts = receiptTexts(language)
  const [title, advice] = texts.refused(error.code)
  const { retryAfter } = error
  return {
    title,
    main: markup`<p>${advice}${retryAfter === undefined ? '' : ` ${texts.again(retryAfter)}`}</p>
<p class="detail" lang="en">${error.message}</p>`,
  }
}

/** A text in HTML's own letters, as opposed to one that becomes part of it. */
class Markup {
  constructor(readonly text: string) {}
}

/** Markup around texts, each of which is escaped for its content and its quoted attributes. */
function markup(literal: TemplateStringsArray, ...values: (string | Markup)[]): Markup {
  const texts = values.map((value) => (value instanceof Markup ? value.text : escape(value)))
  return new Markup(String.raw({ raw: literal }, ...texts))
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!)
}
