import type { Command } from 'commander'
import { FLAGS, type Flag, type FlagName, variableOf } from './flags.js'
import type { CommandTexts } from './messages.js'
import { readSwitch, readValue } from './values.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Fills in the options that were not typed from their variables (`FERRY_RETRY_FOR` for `--retry-for`). Not commander's
 * own `env()`: there a switch set to 0 would be on, and the process's environment the only one.
 * Repeatable options have one value a line.
 */
export function fillFromEnvironment(command: Command, env: Environment, texts: CommandTexts): void {
  for (const option of command.options) {
    const name = option.long?.replace('--', '') as FlagName
    const variable = variableOf(name)
    const text = env[variable]
    const source = command.getOptionValueSource(option.attributeName())
    if (!text || (source !== undefined && source !== 'default')) continue
    // Which of the two is nearer to a token in the environment, token.ts says.
    if (name === 'token' || name === 'token-file') continue
    const value = readVariable(FLAGS[name], text, variable, texts, option.negate)
    command.setOptionValueWithSource(option.attributeName(), value, 'env')
  }
}

function readVariable(
  flag: Flag,
  text: string,
  variable: string,
  texts: CommandTexts,
  isNegation: boolean,
): unknown {
  if (flag.kind === undefined) return readSwitch(text, variable, texts) !== isNegation
  if (!flag.isRepeatable) return readValue(flag, text, variable, texts)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => readValue(flag, line, variable, texts))
}
