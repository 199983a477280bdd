import { CommanderError, type Command } from 'commander'
import { parseServer } from '../address.js'
import { checkCommand } from './check.js'
import { completionScript } from './completion/script.js'
import { doctorCommand } from './doctor/command.js'
import { fillFromEnvironment } from './environment.js'
import { linkCommand } from './link.js'
import { loginCommand } from './login.js'
import { type CommandTexts, commandTextsIn } from './messages.js'
import { type CommandName, isCommand, nearestCommand } from './names.js'
import type { Actions } from './order.js'
import { getOrder, uploadOrder } from './orders.js'
import { type Given, type Session, openSession } from './session.js'
import type { Surroundings } from './surroundings.js'
import { createTree } from './tree.js'
import { asUsageError, badUsage } from './usage.js'

interface Chosen {
  name: CommandName
  operands: string[]
  command: Command
}

/**
 * Runs the subcommand that `argv` (without the program's name) asks for, and returns its exit code.
 * Throws ClientErrors, usage errors among them.
 */
export async function runCommand(
  argv: readonly string[],
  surroundings: Surroundings,
  actions: Actions,
): Promise<number> {
  const texts = commandTextsIn(surroundings.language)
  const [first = ''] = argv
  if (!isCommand(first)) throw badUsage(texts.usage.unknownCommand(first, nearestCommand(first)))

  let text = ''
  let chosen: Chosen | undefined
  const tree = createTree(
    texts,
    surroundings.version,
    (name, operands, command) => (chosen = { name, operands, command }),
  )
  for (const command of [tree, ...tree.commands])
    command.configureOutput({ writeOut: (part) => (text += part), writeErr: () => undefined })
  try {
    tree.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw asUsageError(error, first, texts)
  }
  if (chosen) return run(chosen, tree, { texts, surroundings, actions })
  surroundings.stdout.write(text)
  return 0
}

interface Frame {
  texts: CommandTexts
  surroundings: Surroundings
  actions: Actions
}

async function run({ name, operands, command }: Chosen, tree: Command, frame: Frame): Promise<number> {
  const { texts, surroundings, actions } = frame
  if (name === 'help' || name === 'completion') {
    const text = name === 'help' ? helpText(operands[0], tree, texts) : completionScript(operands[0], tree)
    surroundings.stdout.write(text)
    return 0
  }
  fillFromEnvironment(command, surroundings.env, texts)
  const given = command.opts<Given>()
  const [operand] = operands
  // `ferry login SERVER` is short for --server.
  if (name === 'login' && operand !== undefined) given.server = parseServer(operand)
  const session = await openSession(given, texts, surroundings)
  try {
    return await dispatch(name, operands, session, actions)
  } finally {
    session.order.way.close()
  }
}

function dispatch(
  name: Exclude<CommandName, 'help' | 'completion'>,
  operands: string[],
  session: Session,
  actions: Actions,
): Promise<number> {
  switch (name) {
    case 'upload':
      return actions.upload(uploadOrder(operands, session), session.tools)
    case 'get':
      return actions.get(getOrder(operands, session), session.tools)
    case 'check':
      return checkCommand(operands, session)
    case 'link':
      return linkCommand(operands, session)
    case 'login':
      return loginCommand(session)
    case 'doctor':
      return doctorCommand(operands[0], session)
  }
}

function helpText(word: string | undefined, tree: Command, { usage }: CommandTexts): string {
  const command = word === undefined ? tree : tree.commands.find((each) => each.name() === word)
  if (!command) throw badUsage(usage.unknownCommand(word ?? '', nearestCommand(word ?? '')))
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp()
  return text
}
