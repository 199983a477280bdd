import { useEffect } from 'preact/hooks'

const SIZE = 64
/** Smaller steps than so many percent can't be seen, and each is a picture. */
const STEP = 5

/** Draws how far everything is as a ring in the tab; undefined brings the file's own icon back. */
export function useFavicon(exact: number | undefined, isDown: boolean): void {
  const percent = exact === undefined ? undefined : Math.floor(exact / STEP) * STEP
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (!link) return
    link.dataset['own'] ??= link.href
    link.type = percent === undefined ? 'image/svg+xml' : 'image/png'
    link.href = percent === undefined ? link.dataset['own'] : ring(percent, isDown)
  }, [percent, isDown])
}

function ring(percent: number, isDown: boolean): string {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = SIZE
  const pen = canvas.getContext('2d')
  if (!pen) return ''
  const arc = (share: number, color: string) => {
    pen.beginPath()
    pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 8, -Math.PI / 2, (share * 2 - 0.5) * Math.PI)
    pen.strokeStyle = color
    pen.stroke()
  }
  pen.lineWidth = 14
  // Greys and middle tones stand out from a light and from a dark row of tabs.
  arc(1, '#8a969466')
  arc(Math.max(0.02, percent / 100), isDown ? '#d08a1d' : '#17997d')
  return canvas.toDataURL()
}
