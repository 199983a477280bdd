/** A request of a page whose answer a test gives. */
export class FakeRequest extends EventTarget {
  static last: FakeRequest | undefined
  method = ''
  url = ''
  readonly headers: Record<string, string> = {}
  body: Blob | undefined
  isAborted = false
  status = 0
  responseText = ''
  readonly upload = new EventTarget()
  #answered: Record<string, string> = {}

  constructor() {
    super()
    FakeRequest.last = this
  }

  open(method: string, url: string): void {
    Object.assign(this, { method, url })
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value
  }

  send(body: Blob): void {
    this.body = body
  }

  abort(): void {
    this.isAborted = true
  }

  getResponseHeader(name: string): string | null {
    return this.#answered[name] ?? null
  }

  /** So many bytes of it have gone out. */
  progress(loaded: number): void {
    this.upload.dispatchEvent(Object.assign(new Event('progress'), { loaded }))
  }

  answer(status: number, headers: Record<string, string>, body = ''): void {
    this.#answered = headers
    Object.assign(this, { status, responseText: body })
    this.#end('load')
  }

  /** The line breaks. */
  fail(): void {
    this.#end('error')
  }

  #end(how: string): void {
    this.dispatchEvent(new Event(how))
    this.dispatchEvent(new Event('loadend'))
  }
}
