import { Argument, Command, Option } from 'commander'
import { FLAGS, type Flag, type FlagName } from './flags.js'
import { helpOf } from './help.js'
import type { CommandTexts } from './messages.js'
import { COMMANDS, type CommandName } from './names.js'
import { type CommandSpec, SHELLS, SPECS } from './specs.js'
import { readValue } from './values.js'

/** Called with the command that was chosen and its arguments. */
export type OnChosen = (name: CommandName, operands: string[], command: Command) => void

/** All subcommands with their options, as commander parses them. */
export function createTree(texts: CommandTexts, version: string, onChosen: OnChosen): Command {
  const program = new Command('ferry')
    .description(texts.intro)
    .usage(texts.usageLine)
    .version(version, '-V, --version', texts.version)
    .helpOption('-h, --help', texts.help)
    .helpCommand(false)
    .configureHelp(helpOf(texts))
    .addHelpText('after', () => `\n${texts.after}`)
    .exitOverride()
  for (const name of COMMANDS) program.addCommand(createCommand(name, texts, onChosen))
  return program
}

function createCommand(name: CommandName, texts: CommandTexts, onChosen: OnChosen): Command {
  const { summary, examples } = texts.commands[name]
  const command = new Command(name)
    .description(summary)
    .helpOption('-h, --help', texts.help)
    .configureHelp(helpOf(texts))
    .exitOverride()
  const spec: CommandSpec = name === 'help' ? { argument: '[command]', flags: [] } : SPECS[name]
  const argument = argumentOf(name, spec, texts)
  if (argument) command.addArgument(argument)
  for (const flag of spec.flags) command.addOption(optionOf(flag, spec, texts))
  const hint = spec.flags.length > 0 ? `\n\n${texts.variables}` : ''
  command.addHelpText('after', () => `\n${texts.examplesTitle}\n${indented(examples)}${hint}`)
  return command.action(() => onChosen(name, command.args, command))
}

function argumentOf(name: CommandName, { argument }: CommandSpec, texts: CommandTexts): Argument | undefined {
  if (argument === undefined) return undefined
  const described = new Argument(argument, texts.commands[name].argument)
  return name === 'completion' ? described.choices(SHELLS) : described
}

function optionOf(name: FlagName, { retryFor }: CommandSpec, texts: CommandTexts): Option {
  const flag: Flag = FLAGS[name]
  const option = new Option(flag.flags, texts.flags[name])
  const { long = '' } = option
  if (flag.kind === undefined) return option
  const read = (text: string) => readValue(flag, text, long, texts)
  const standard = (name === 'retry-for' && retryFor) || flag.default
  if (standard !== undefined) option.default(read(standard), standard)
  return option.argParser((text: string, before: unknown) =>
    flag.isRepeatable ? [...((before as unknown[] | undefined) ?? []), read(text)] : read(text),
  )
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n')
}
