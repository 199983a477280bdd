import type { Command, Option } from 'commander'
import { COMMANDS, isCommand } from '../names.js'
import { type CommandSpec, SPECS } from '../specs.js'

/** What a shell may offer after a word: files, these words, or nothing that we know. */
type Offer = 'files' | 'nothing' | readonly string[]

export interface OutlineOption {
  short: string | undefined
  long: string
  description: string
  isRepeatable: boolean
  /** Undefined: it takes no value. */
  value: Offer | undefined
}

export interface OutlineCommand {
  name: string
  description: string
  argument: Offer
  options: OutlineOption[]
}

/** The commands as a shell has to know them. */
export function outline(tree: Command): OutlineCommand[] {
  return tree.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    argument: argumentOffer(command.name()),
    options: [...command.options.map(outlineOption), helpOption(command)],
  }))
}

function argumentOffer(name: string): Offer {
  if (name === 'help') return COMMANDS
  const spec: CommandSpec | undefined = isCommand(name) ? SPECS[name as keyof typeof SPECS] : undefined
  return spec?.completes ?? 'nothing'
}

function outlineOption(option: Option): OutlineOption {
  const { short, long = '', description, flags } = option
  const value = /<(file|path)>|<manifest>/.test(flags) ? 'files' : 'nothing'
  return {
    short,
    long,
    description,
    isRepeatable: long === '--include' || long === '--exclude',
    value: option.required ? value : undefined,
  }
}

/** commander keeps help apart from the other options. */
function helpOption(command: Command): OutlineOption {
  const help = command.createHelp().visibleOptions(command).at(-1)
  return {
    short: '-h',
    long: '--help',
    description: help?.description ?? '',
    isRepeatable: false,
    value: undefined,
  }
}
