/** What `/metrics` says, by name and labels as they stand there: `ferry_uploads_total{door="tus",outcome="stored"}`. */
export async function scrape(server: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${server}/metrics`)).text()
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

/** Every metric's name and type, as `# TYPE` lines tell them. */
export async function exposed(server: string): Promise<Map<string, string>> {
  const text = await (await fetch(`${server}/metrics`)).text()
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]))
}
