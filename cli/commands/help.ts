import type { HelpConfiguration, Option } from 'commander'
import { widthOf } from '../columns.js'
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
