import { median } from './numbers.js'
import type { Bar, Contest } from './contest.js'

/** A metric with this in its name is in bytes. */
const MIB = 1024 * 1024

/** All contests as Markdown: a table of figures for each, and a line for each bar. */
export function report(contests: Contest[], machine: string): string {
  return [machine, '', ...contests.flatMap(section)].join('\n')
}

/** Where a bar's figure is, and whether that is good; undefined where nothing was promised. */
export function judge(bar: Bar, { rounds }: Contest): { value: number; isMet: boolean | undefined } {
  const { metric, of, by, most, least, within, below } = bar
  const middle = (name: string) => median(rounds[name]!.map((measured) => measured[metric]!))
  if (below !== undefined) return { value: middle(of), isMet: middle(of) <= below }
  if (within !== undefined) {
    const value = Math.abs(middle(of) - middle(by!))
    return { value, isMet: value <= within }
  }
  const value = middle(of) / middle(by!)
  if (most === undefined && least === undefined) return { value, isMet: undefined }
  return { value, isMet: value <= (most ?? Infinity) && value >= (least ?? -Infinity) }
}

function section(contest: Contest): string[] {
  const { title, rounds, bars, notes } = contest
  const metrics = [...new Set(Object.values(rounds).flatMap((all) => all.flatMap(Object.keys)))]
  return [
    `### ${title}`,
    '',
    ...(metrics.length > 0
      ? [`| | ${metrics.join(' | ')} |`, `| --- |${' ---: |'.repeat(metrics.length)}`]
      : []),
    ...Object.entries(rounds).map(
      ([name, all]) =>
        `| ${name} | ${metrics
          .map((metric) =>
            figures(
              metric,
              all.flatMap((one) => one[metric] ?? []),
            ),
          )
          .join(' | ')} |`,
    ),
    '',
    ...bars.map((bar) => `- ${barText(bar, contest)}`),
    ...notes.map((note) => `- ${note}`),
    '',
  ]
}

function barText(bar: Bar, contest: Contest): string {
  const { metric, of, by, most, least, within, below } = bar
  const { value, isMet } = judge(bar, contest)
  const verdict = isMet === undefined ? '' : isMet ? ': met' : ': **missed**'
  if (below !== undefined)
    return `${metric} of ${of}: ${shown(metric, value)}, at most ${shown(metric, below)} wanted${verdict}`
  if (within !== undefined)
    return `${metric} of ${of} and ${by}: ${value.toFixed(3)} apart, at most ${within} wanted${verdict}`
  const bound =
    most !== undefined ? `, at most ${most} wanted` : least !== undefined ? `, at least ${least} wanted` : ''
  return `${metric} of ${of} / ${by}: ${value.toFixed(3)}${bound}${verdict}`
}

/** Median, least and most. */
function figures(metric: string, values: number[]): string {
  if (values.length === 0) return ''
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
    shown(metric, value),
  )
  return values.length === 1 ? middle! : `${middle} (${least}–${most})`
}

function shown(metric: string, value: number): string {
  if (metric.includes('MiB')) return (value / MIB).toFixed(0)
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3)
}
