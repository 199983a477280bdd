import type { Failure, Trouble } from '../engine/card.js'

export type Language = 'en' | 'zh-CN'

/** Every line the page can show. Two catalogues fill it, `en.ts` and `zh.ts`. Figures arrive formatted. */
export interface Messages {
  language: Language
  /** How the other language calls itself. */
  otherLanguage: string

  drop: DropTexts
  card: CardTexts
  step: StepTexts
  done: Record<'stored' | 'known' | 'arrived', string>
  trouble: Record<Trouble, string>
  failure: Record<Failure, { why: string; whatToDo: string }>
  list: ListTexts
  unfinished: UnfinishedTexts
  history: HistoryTexts
  refused: RefusedTexts
  token: TokenTexts
  title: TitleTexts
  news: NewsTexts
  footer: string
}

interface DropTexts {
  title: string
  titleForFingers: string
  chooseFiles: string
  chooseFolder: string
  /** What a mouse and a keyboard can do besides. */
  hint: string
  promise: string
  anywhere: string
}

interface CardTexts {
  progress: string
  pause: string
  goOn: string
  cancel: string
  remove: string
  retry: string
  tryNow: string
  copy: string
  copied: string
  pressKeys: (keys: string) => string
  open: string
  qr: string
  qrOf: (link: string) => string
  /** The code's drawing is fetched when it is wanted, over a line that may break. */
  qrMissing: string
}

interface StepTexts {
  waiting: string
  hashing: (percent: string) => string
  asking: string
  elsewhere: (percent: string) => string
  /** `done` in the unit of `size`: 12.3 of 19.8 GiB. */
  of: (done: string, size: string) => string
  perSecond: (bytes: string) => string
  left: Record<'minutes' | 'hours' | 'days', (amount: string) => string>
  almost: string
  wasThere: (bytes: string) => string
  verifying: string
  /** Between what is wrong and when it is tried again. */
  between: string
  againIn: (seconds: string) => string
  again: string
  paused: (percent: string) => string
}

interface ListTexts {
  title: string
  done: (done: string, all: string) => string
  failed: (failed: string) => string
  copyAll: string
  removeFinished: string
  showMore: string
}

interface UnfinishedTexts {
  title: string
  howTo: string
  there: (percent: string) => string
  choose: string
  discard: string
}

interface HistoryTexts {
  title: string
  clear: string
  clearMeans: string
}

interface RefusedTexts {
  twice: (name: string) => string
  'too-large': (name: string) => string
  tooLargeFor: (name: string, limit: string) => string
  more: (count: string) => string
}

interface TokenTexts {
  title: string
  wrong: string
  label: string
  remember: string
  submit: string
  /** Stands in the page after the dialog was closed without a token. */
  missing: string
  enter: string
}

interface TitleTexts {
  done: string
  down: string
  paused: string
  failed: string
}

/** What a screen reader is told when it happens. */
interface NewsTexts {
  done: (name: string) => string
  failed: (name: string, why: string) => string
  linksCopied: string
  noLanguage: string
}
