import type { Language } from '../locale.js'
import type { FlagName, Kind } from './flags.js'
import { englishCommands } from './messages.en.js'
import { chineseCommands } from './messages.zh.js'
import type { CommandName } from './names.js'

/** Every line of the subcommands that is no error's. Two catalogues fill it, `messages.en.ts` and `messages.zh.ts`. */
export interface CommandTexts extends HelpTexts {
  usage: {
    unknownCommand: (word: string, nearest: string | undefined) => string
    unknownOption: (option: string, nearest: string | undefined, command: string) => string
    valueMissing: (option: string, command: string) => string
    argumentMissing: (command: string) => string
    tooMany: (command: string) => string
    badArgument: (value: string, command: string) => string
    badValue: (label: string, value: string, expected: string) => string
    nameWithoutInput: string
    inputTwice: string
    nothingToGet: string
    notAnItem: (item: string) => string
    outputForMany: string
    tokenWanted: string
    strictWantsFiles: (item: string) => string
  }
  /** What a value should have looked like. */
  expected: Record<Kind | 'switch', string>

  standing: {
    exists: (name: string, url: string) => string
    uploading: (name: string, percent: string, offset: number, size: number) => string
    uploadingUnsized: (name: string, offset: number) => string
    notfound: (name: string) => string
    failed: (name: string, problem: string) => string
  }
  login: {
    prompt: (server: string) => string
    saved: (server: string, path: string) => string
    forgotten: (server: string, path: string) => string
    nothingSaved: (server: string, path: string) => string
    terminal: string
    pipe: string
    exposed: (path: string) => string
  }
}

interface HelpTexts {
  intro: string
  usageLine: string
  version: string
  help: string
  after: string
  /** commander's titles (`Usage:`) in this language. */
  titles: Readonly<Record<string, string>>
  examplesTitle: string
  variables: string
  standard: (value: string) => string
  commands: Record<CommandName, { summary: string; argument: string; examples: readonly string[] }>
  flags: Record<FlagName, string>
}

/** The catalogue of a language. */
export function commandTextsIn(language: Language): CommandTexts {
  return language === 'en' ? englishCommands : chineseCommands
}
