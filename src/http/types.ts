/** How the browser may treat a content. The extension asked for decides, and only what stands here is shown. */
export interface Treatment {
  type: string
  disposition: 'inline' | 'attachment'
  csp: string
}

// `sandbox` keeps video and audio from playing in Chromium, so what plays goes without it: it can't carry scripts.
const PLAYER = `default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'`
const PICTURE = `${PLAYER}; object-src 'self'; sandbox`
const TEXT = `default-src 'none'; sandbox`

const PLAYED: Record<string, string> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  mov: 'video/quicktime',
  ogv: 'video/ogg',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  opus: 'audio/ogg',
  flac: 'audio/flac',
  wav: 'audio/wav',
}

const SHOWN: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  ico: 'image/x-icon',
  pdf: 'application/pdf',
}

const READ = new Set(['txt', 'md', 'log', 'csv', 'json', 'yaml', 'yml', 'ini'])

const SAVED: Treatment = { type: 'application/octet-stream', disposition: 'attachment', csp: TEXT }

/** The treatment for an extension (lower case, no dot). No script type ever comes out of here. */
export function treatmentOf(extension: string): Treatment {
  const played = own(PLAYED, extension)
  if (played) return { type: played, disposition: 'inline', csp: PLAYER }
  const shown = own(SHOWN, extension)
  if (shown) return { type: shown, disposition: 'inline', csp: PICTURE }
  if (READ.has(extension)) return { type: 'text/plain; charset=utf-8', disposition: 'inline', csp: TEXT }
  return SAVED
}

function own(table: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}
