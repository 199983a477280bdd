import type { RequestHandler, Response } from 'express'
import type { Socket } from 'node:net'
import { FerryError } from '../errors.js'
import type { Log } from '../log.js'
import type { Messages } from '../messages.js'
import { addressOf } from './guard/address.js'
import { statusOf } from './errors.js'

/** What a door tells of a request for its line in the log. */
export interface Facts {
  door?: string
  /** An upload's id; only its beginning is written, since who knows all of it can go on with the upload. */
  upload?: string | undefined
  md5?: string | undefined
  outcome?: string
  error?: FerryError
  /** The whole answer has been given, although the request is not over: its sender is still sending, or hangs up. */
  isAnswered?: boolean
}

/** Hears what the figures want to know of every request. */
export interface RequestObserver {
  sent(bytes: number): void
  failed(code: string): void
}

/** Adds to what the log will say of this request. */
export function note(res: Response, facts: Facts): void {
  Object.assign((res.locals['facts'] ??= {}), facts)
}

/** One line for each request when it is over, and one more with the cause where the fault is ours. */
export function accessLog(log: Log, messages: Messages, observer: RequestObserver): RequestHandler {
  /** What had crossed each connection when its former request was over. */
  const crossed = new WeakMap<Socket, { read: number; written: number }>()
  return (req, res, next) => {
    const begun = performance.now()
    const { socket } = req
    const from = addressOf(req) // a connection that is gone doesn't say
    const { read, written } = crossed.get(socket) ?? { read: 0, written: 0 }
    res.on('close', () => {
      const facts = factsOf(res)
      const { error } = facts
      // A look at the health of an ailing server has gone well.
      const isRefused = res.statusCode >= 400 && facts.door !== 'health'
      const failure = error?.code ?? (isRefused ? 'refused' : undefined)
      const isAnswered = res.writableFinished || facts.isAnswered
      const sent = socket.bytesWritten - written
      crossed.set(socket, { read: socket.bytesRead, written: socket.bytesWritten })
      observer.sent(sent)
      if (failure) observer.failed(failure)
      const line = {
        request: mark(),
        from,
        method: req.method,
        door: facts.door ?? 'none',
        status: res.headersSent ? res.statusCode : undefined,
        upload: facts.upload?.slice(0, 8),
        md5: facts.md5,
        in: socket.bytesRead - read,
        out: sent,
        seconds: Math.round(performance.now() - begun) / 1000,
        outcome: isAnswered ? (failure ?? facts.outcome ?? 'ok') : 'broken-off',
      }
      log.info(messages.request(asText(line)), line)
      if (error && statusOf(error, 'json') >= 500)
        log.error(messages.failed(`${line.request} ${line.method} ${line.door}`, error.message), error.cause)
    })
    next()
  }
}

/** Tells the lines of one request from those of others; nobody has to be kept from guessing it. */
function mark(): string {
  return Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
}

function factsOf(res: Response): Facts {
  return (res.locals['facts'] as Facts | undefined) ?? {}
}

function asText(line: Record<string, string | number | undefined>): string {
  let text = ''
  for (const key in line) if (line[key] !== undefined) text += ` ${key}=${line[key]}`
  return text.slice(1)
}
