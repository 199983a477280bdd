/** A red PDF of one page, with a script for its opening where there is one. */
export function pdf(script?: string): string {
  const drawing = '1 0 0 rg 20 20 260 160 re f'
  const quoted = script?.replace(/[()\\]/g, '\\$&')
  const opening = quoted === undefined ? '' : `/OpenAction<</S/JavaScript/JS(${quoted})>>`
  return [
    '%PDF-1.4',
    `1 0 obj<</Type/Catalog/Pages 2 0 R${opening}>>endobj`,
    '2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj',
    '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R>>endobj',
    `4 0 obj<</Length ${drawing.length}>>stream\n${drawing}\nendstream endobj`,
    'trailer<</Size 5/Root 1 0 R>>',
    '%%EOF',
  ].join('\n')
}
