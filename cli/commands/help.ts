import type { HelpConfiguration, Option } from 'commander'
import type { CommandTexts } from './messages.js'

/** Help pages in the user's language, plain text without colours. */
export function helpOf(texts: CommandTexts): HelpConfiguration {
  return {
    helpWidth: 100,
    styleTitle: (title) => texts.titles[title] ?? title,
    optionDescription: (option) => `${option.description}${standardOf(option, texts)}`,
    argumentDescription: (argument) => argument.description,
    subcommandTerm: (command) => command.name(),
    displayWidth: widthOf,
  }
}

function standardOf({ defaultValueDescription: standard }: Option, texts: CommandTexts): string {
  return standard === undefined ? '' : texts.standard(standard)
}

const WIDE = /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\uFFE0-\uFFE6]/gu

/** Columns on a terminal: Chinese letters take two. */
function widthOf(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0)
}
