import type { Contest } from './contest.js'
import { judge } from './report.js'

const ROW = 22
const LEFT = 560
const SCALE = 150
/** Where the figures stand, in a column of their own. */
const FIGURES = LEFT + 2 * SCALE + 12
const WIDTH = FIGURES + 130

/**
 * Every ratio that has a bound as a bar in an SVG, on a scale from 0 to 2, with its bound as a line: at a glance, what is
 * met and by how much.
 */
export function chart(contests: Contest[]): string {
  const bars = contests.flatMap((contest) =>
    contest.bars
      .filter(({ most, least }) => most !== undefined || least !== undefined)
      .map((bar) => ({ bar, title: contest.title, judged: judge(bar, contest) })),
  )
  const rows = bars.map(({ bar, title, judged: { value, isMet } }, index) => {
    const y = 30 + index * ROW
    const bound = bar.most ?? bar.least!
    const label = `${title} – ${bar.of} / ${bar.by}, ${bar.metric}`
    return [
      `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${at(value)}" height="14" fill="${isMet ? '#2a9d63' : '#d9573f'}"/>`,
      `<line x1="${LEFT + at(bound)}" x2="${LEFT + at(bound)}" y1="${y - 3}" y2="${y + 17}" stroke="#1f2430" stroke-width="2"/>`,
      `<text x="${FIGURES}" y="${y + 12}">${value.toFixed(2)}${bar.least === undefined ? '' : ' (more is better)'}</text>`,
    ].join('\n')
  })
  const height = 45 + bars.length * ROW
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="8" y="16">Ratios of medians in one run; the line is what is wanted.</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n')
}

function at(value: number): number {
  return Math.round(Math.min(value, 2) * SCALE)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
