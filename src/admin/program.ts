import { Command, CommanderError } from 'commander'
import type { Config } from '../config.js'
import { messagesIn, type Language } from '../messages.js'
import { NoLedger } from '../store/ledger.js'
import { isGarbage } from '../store/ledger-schema.js'
import type { Stock } from '../store/verify.js'
import { isServing, openBeside, UnusableFolder } from '../stores.js'
import { BadUsage, md5Of, parseFilter, sizeOf } from './arguments.js'
import { list } from './list.js'
import { adminMessagesIn, type AdminMessages } from './messages.js'
import { remove } from './remove.js'
import { repairAsAStart } from './repair.js'
import { stat, statOne } from './stat.js'
import { EXIT, type ExitCode, type Terminal } from './terminal.js'
import { uploads } from './uploads.js'
import { verify } from './verify.js'

interface Surroundings {
  config: Config
  language: Language
  terminal: Terminal
}

/** Runs one of the operator's commands (`argv` without node and program); resolves with the exit code. */
export async function administer(argv: string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal, language, config } = surroundings
  const messages = adminMessagesIn(language)
  let code: ExitCode = EXIT.fine
  const program = commands(config, messages, async (run) => {
    const stock = await openBeside(config)
    try {
      code = await run(stock, surroundings)
    } finally {
      await stock.ledger.close()
    }
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage
    if (terminal.signal.aborted) return EXIT.interrupted
    terminal.err(`[ERROR] ${reason(error, surroundings, messages)}`)
    return error instanceof BadUsage ? EXIT.usage : EXIT.failed
  }
}

type Run = (stock: Stock, surroundings: Surroundings) => Promise<ExitCode> | ExitCode

function commands(config: Config, messages: AdminMessages, run: (command: Run) => Promise<void>): Command {
  const program = new Command('ferry-server').description(messages.about).exitOverride()
  program.command('serve').description(messages.serve)
  program
    .command('list')
    .description(messages.list)
    .option('--name <text>', messages.listName)
    .option('--since <date>', messages.listSince)
    .option('--until <date>', messages.listUntil)
    .option('--min <size>', messages.listLeast)
    .option('--max <size>', messages.listMost)
    .option('--json', messages.json, false)
    .action(({ json, ...wanted }: { json: boolean } & Record<string, string>) => {
      const filter = parseFilter(wanted, messages)
      return run((stock, { terminal }) => {
        list(stock, filter, { json, terminal, messages })
        return EXIT.fine
      })
    })
  program
    .command('stat')
    .description(messages.stat)
    .argument('[md5]', messages.md5Argument)
    .option('--json', messages.json, false)
    .action((text: string | undefined, { json }: { json: boolean }) => {
      const md5 = text === undefined ? undefined : md5Of(text, messages)
      return run(async (stock, { terminal }) => {
        const how = { json, terminal, messages }
        if (md5) return statOne(stock, md5, how) ? EXIT.fine : EXIT.wrong
        await stat(stock, isServing(config), how)
        return EXIT.fine
      })
    })
  program
    .command('delete')
    .description(messages.remove)
    .argument('<md5...>', messages.md5Argument)
    .action((texts: string[]) => {
      const md5s = texts.map((text) => md5Of(text, messages))
      return run(async (stock, { terminal }) =>
        (await remove(stock, md5s, { terminal, messages })) ? EXIT.fine : EXIT.wrong,
      )
    })
  program
    .command('uploads')
    .description(messages.uploads)
    .option('--json', messages.json, false)
    .action(({ json }: { json: boolean }) =>
      run(async (stock, { terminal }) => {
        await uploads(stock, { json, terminal, messages })
        return EXIT.fine
      }),
    )
  program
    .command('verify')
    .description(messages.verify)
    .option('--repair', messages.repair, false)
    .option('--rate <speed>', messages.rate)
    .option('--json', messages.json, false)
    .action(async ({ repair, rate, json }: { repair: boolean; rate?: string; json: boolean }) => {
      const bytes = rate === undefined ? 0 : sizeOf(rate.replace(/\/s$/i, ''), messages)
      const isAlone = !isServing(config)
      const before = repair && isAlone ? await repairAsAStart(config) : []
      return run((stock, { terminal }) =>
        verify(stock, { repair, rate: bytes, json, isAlone, before }, { terminal, messages }),
      )
    })
  return program
}

function reason(error: unknown, { config, language }: Surroundings, messages: AdminMessages): string {
  const { filesDir } = config
  if (error instanceof BadUsage) return error.message
  if (error instanceof UnusableFolder) return error.inWords(messagesIn(language), config)
  if (error instanceof NoLedger) return messages.noLedger(filesDir)
  if (isGarbage(error)) return messages.tornLedger(filesDir)
  return messages.cantOpen(error instanceof Error ? error.message : String(error))
}
