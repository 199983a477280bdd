/** Drawn in a square of 16, in lines of the text's colour. */
const PATHS = {
  pause: 'M5.5 3.5v9m5-9v9',
  go: 'M5 3.3v9.4L12.3 8z',
  cross: 'm4 4 8 8m0-8-8 8',
  again: 'M12.6 9.2A4.9 4.9 0 1 1 11.7 5l1.3 1.2m.2-3.4v3.5H9.7',
  copy: 'M6 6V3.8c0-.7.6-1.3 1.3-1.3h4.9c.7 0 1.3.6 1.3 1.3v4.9c0 .7-.6 1.3-1.3 1.3H10M3.8 6h4.9c.7 0 1.3.6 1.3 1.3v4.9c0 .7-.6 1.3-1.3 1.3H3.8c-.7 0-1.3-.6-1.3-1.3V7.3C2.5 6.6 3.1 6 3.8 6z',
  open: 'M6.5 3.5h6v6m0-6-8.5 8.5',
  qr: 'M2.8 2.8h4v4h-4zm6.4 0h4v4h-4zm-6.4 6.4h4v4h-4zm6.4 0h1.6v1.6H9.2zm2.4 2.4h1.6v1.6h-1.6z',
  check: 'm3.2 8.4 3.2 3.2 6.4-7',
  alert: 'M8 4.5v4.3m0 2.4v.3M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8z',
  file: 'M9 2.2H4.8c-.6 0-1 .4-1 1v9.6c0 .6.4 1 1 1h6.4c.6 0 1-.4 1-1V5.4zm0 0v3.2h3.2',
  folder: 'M2.2 12V4.3c0-.6.4-1 1-1h3l1.5 1.8h5c.6 0 1 .4 1 1V12c0 .6-.4 1-1 1H3.2c-.6 0-1-.4-1-1z',
  chevron: 'm6 3.5 4.5 4.5L6 12.5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
