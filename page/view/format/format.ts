import { ago } from './ago.js'
import { inUnit, unitOf } from './bytes.js'

export type Format = ReturnType<typeof createFormat>

/** Figures as people of that language write them. */
export function createFormat(language: string) {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 })
  const upToOne = new Intl.NumberFormat(language, { maximumFractionDigits: 1 })
  const one = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const share = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 })
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })

  /** Always with one digit behind the point where there is one at all, so that it stays as wide while it runs. */
  function running(bytes: number, unit = unitOf(bytes)): string {
    const amount = inUnit(bytes, unit)
    return unit === 'B' || amount >= 100 ? whole.format(amount) : one.format(amount)
  }

  return {
    number: (amount: number) => upToOne.format(amount),

    /** A size: `1.4 GiB`, `20 GiB`. */
    bytes: (bytes: number) => `${upToOne.format(inUnit(bytes, unitOf(bytes)))} ${unitOf(bytes)}`,

    /** A speed that goes up and down: `11.0 MiB`. */
    runningBytes: (bytes: number) => `${running(bytes)} ${unitOf(bytes)}`,

    /** So much, in the unit of the whole, without naming it: `0.3` of 19.8 GiB. */
    part: (bytes: number, size: number) => running(bytes, unitOf(size)),

    /** Cut, so that 100 % is said when everything is there and not before. */
    percent: (bytes: number, size: number) => share.format(wholePercent(bytes, size) / 100),

    /** `5 minutes ago`, `yesterday`, `3 May 2026`. */
    when(at: number, now: number): string {
      const passed = ago(at, now)
      return passed ? relative.format(-passed.amount, passed.unit) : date.format(at)
    },
  }
}

/** 0 to 100. Of nothing everything is there. */
export function wholePercent(bytes: number, size: number): number {
  return size <= 0 ? 100 : Math.max(0, Math.min(100, Math.floor((bytes * 100) / size)))
}
