import { useEffect, useState } from 'preact/hooks'
import { QUIET_ZONE, qrPath } from '../format/qr-path.js'
import { useWords } from '../words.js'

/** The link for a phone's camera. Black on white in every theme: that is what cameras read. */
export function QrCode({ link }: { link: string }) {
  const { text } = useWords()
  const [code, setCode] = useState<boolean[][] | 'missing'>([])
  useEffect(() => {
    let isWanted = true
    const draw = async () => {
      const drawn = await encode(link).catch(() => 'missing' as const)
      if (isWanted) setCode(drawn)
    }
    void draw()
    return () => (isWanted = false)
  }, [link])
  if (code === 'missing') return <p role="alert">{text.card.qrMissing}</p>
  return (
    <svg
      class="qr"
      role="img"
      aria-label={text.card.qrOf(link)}
      viewBox={`0 0 ${code.length} ${code.length}`}
    >
      <path d={qrPath(code)} shape-rendering="crispEdges" />
    </svg>
  )
}

async function encode(link: string): Promise<boolean[][]> {
  const { encodeQR } = await import('qr')
  return encodeQR(link, 'raw', { border: QUIET_ZONE, ecc: 'medium' })
}
