import { median, ratios } from '../harness/numbers.js'
import type { Pair } from './pair.js'

export interface Results {
  /** Bytes. */
  size: number
  /** Bytes that a first visit brings down. */
  firstLoad: { ferry: number; uppy: number }
  pairs: Pair[]
}

/** The figures as Markdown. */
export function report({ size, firstLoad, pairs }: Results): string {
  const seconds = (side: keyof Pair) => pairs.map((pair) => pair[side].milliseconds / 1000)
  const most = (numbers: number[], digits: number) => Math.max(...numbers).toFixed(digits)
  const [ferry, uppy] = [seconds('ferry'), seconds('uppy')]
  const [known, hashing] = [seconds('known'), seconds('hashing')]
  return [
    `A file of ${size} bytes, ${pairs.length} pairs.`,
    '',
    '| seconds, from choosing the file | median | least | most |',
    '| --- | ---: | ---: | ---: |',
    row('new, Ferry: to the link', ferry),
    row('new, stock Uppy: to `upload-success`', uppy),
    row('known, Ferry: to the link', known),
    row('hashing alone', hashing),
    '',
    '| Ferry / other | of the medians | median of the pairs |',
    '| --- | ---: | ---: |',
    compare('new, by stock Uppy', ferry, uppy),
    compare('known, by hashing alone', known, hashing),
    '',
    '| besides | Ferry | stock Uppy |',
    '| --- | ---: | ---: |',
    `| bytes of a first visit | ${firstLoad.ferry} | ${firstLoad.uppy} |`,
    `| layout shift while a new file is on its way, at most | ${most(shifts('ferry'), 4)} | ${most(shifts('uppy'), 4)} |`,
    `| bytes that go up for a known file, with the page's own requests, at most | ${most(
      pairs.map((pair) => pair.known.up),
      0,
    )} | the file |`,
  ].join('\n')

  function shifts(side: 'ferry' | 'uppy'): number[] {
    return pairs.map((pair) => pair[side].shift)
  }
}

function row(title: string, seconds: number[]): string {
  const figures = [median(seconds), Math.min(...seconds), Math.max(...seconds)]
  return `| ${title} | ${figures.map((figure) => figure.toFixed(2)).join(' | ')} |`
}

function compare(title: string, ours: number[], others: number[]): string {
  const pairwise = median(ratios(ours, others))
  return `| ${title} | ${(median(ours) / median(others)).toFixed(3)} | ${pairwise.toFixed(3)} |`
}
