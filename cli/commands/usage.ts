import { CommanderError } from 'commander'
import { ClientError } from '../errors.js'
import type { CommandTexts } from './messages.js'

/** A parser's complaint as our own usage error, in one line that says what to do; other errors as they are. */
export function asUsageError(error: unknown, command: string, texts: CommandTexts): unknown {
  if (!(error instanceof CommanderError)) return error
  return new ClientError('bad-usage', { reason: reasonOf(error, command, texts.usage) }, { cause: error })
}

/** Where the command line has no fault that the parser knows of, and yet can't be meant. */
export function badUsage(reason: string): ClientError {
  return new ClientError('bad-usage', { reason })
}

function reasonOf({ code, message }: CommanderError, command: string, usage: CommandTexts['usage']): string {
  // commander keeps what it complains about, and what it suggests, only in the text.
  const subject = /'([^']+)'/.exec(message)?.[1] ?? ''
  const nearest = /Did you mean (?:one of )?([^?]+)\?/.exec(message)?.[1]
  switch (code) {
    case 'commander.unknownOption':
      return usage.unknownOption(subject, nearest, command)
    case 'commander.optionMissingArgument':
      return usage.valueMissing(subject, command)
    case 'commander.missingArgument':
      return usage.argumentMissing(command)
    case 'commander.excessArguments':
      return usage.tooMany(command)
    case 'commander.invalidArgument':
      return usage.badArgument(/argument '([^']*)' is invalid/.exec(message)?.[1] ?? subject, command)
    default:
      return message
  }
}
