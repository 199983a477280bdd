/** Whether that is an address on the web: nothing else becomes a link, whoever says it is one. */
export function isLink(url: unknown): url is string {
  return typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

/**
 * The link as others can use it. A server whose operator has not said by what address it is reached calls itself by one that
 * only works on its own machine; then the page's own address is the better one.
 */
export function publicLink(url: string, base: string): string {
  const [link, page] = [new URL(url), new URL(`${base}/`)]
  if (!isLoopback(link.hostname) || isLoopback(page.hostname)) return link.href
  return `${base}${link.pathname}`
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
