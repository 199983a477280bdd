import { median } from './numbers.js'

/** What the system counts of our connections, all together. */
export interface Counted {
  connections: number
  /** Bytes that went out, those that went out again among them. */
  sent: number
  resent: number
  /** Milliseconds there and back: the least that was ever seen, and while sending. */
  leastMs: number | undefined
  busyMs: number | undefined
}

/** What the output of `ss -tinH` comes to: for each connection a line, and its numbers in it or in the next. */
export function counted(output: string): Counted | undefined {
  const each = output
    .split(/\n(?=\S)/)
    .flatMap((text) => (/\bbytes_sent:\d/.test(text) ? [numbersIn(text)] : []))
  return together(each)
}

/** All of them in one; undefined of none. */
export function together(each: readonly Counted[]): Counted | undefined {
  if (each.length === 0) return undefined
  const least = each.flatMap(({ leastMs }) => leastMs ?? [])
  return {
    connections: each.reduce((sum, { connections }) => sum + connections, 0),
    sent: each.reduce((sum, { sent }) => sum + sent, 0),
    resent: each.reduce((sum, { resent }) => sum + resent, 0),
    leastMs: least.length > 0 ? Math.min(...least) : undefined,
    busyMs: median(each.flatMap(({ busyMs }) => busyMs ?? [])),
  }
}

function numbersIn(text: string): Counted {
  const number = (name: string): number | undefined => {
    const found = new RegExp(`\\b${name}([\\d.]+)`).exec(text)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  // What is nought is left out.
  const [sent = 0, again = 0] = [number('bytes_sent:'), number('bytes_retrans:')]
  // What has come twice was late, and not lost.
  const [twice = 0, segments = 1] = [number('dsack_dups:'), number('retrans:\\d+/')]
  const resent = Math.round(again * Math.max(0, 1 - twice / segments))
  return { connections: 1, sent, resent, leastMs: number('minrtt:'), busyMs: number('rtt:') }
}
