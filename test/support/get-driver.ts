/** A process that gets what its first argument (JSON) orders: the command line of `ferry get`, without the line. */
import { createConsole } from '#cli/console.js'
import { ClientError, EXIT_CODES, asClientError } from '#cli/errors.js'
import { getAll } from '#cli/get/all.js'
import { getOne } from '#cli/get/get.js'
import type { GetAllOrder, GetOrder } from '#cli/get/order.js'
import { describe, messagesIn } from '#cli/messages.js'

const order = JSON.parse(process.argv[2] ?? '') as GetOrder | GetAllOrder
const interrupt = new AbortController()
process.on('SIGINT', () => interrupt.abort(new ClientError('interrupted')))
const none = () => undefined
const tools = {
  console: createConsole(process.stdout, process.stderr),
  language: 'en' as const,
  progress: { start: none, update: none, stop: none },
  stdout: process.stdout,
  signal: interrupt.signal,
}

try {
  if ('source' in order) await getOne(order, tools)
  else {
    const { worst } = await getAll(order, tools)
    if (worst) process.exitCode = EXIT_CODES[worst.code]
  }
} catch (thrown) {
  const error = asClientError(thrown)
  process.exitCode = EXIT_CODES[error.code]
  tools.console.warn(describe(error, messagesIn('en')))
}
