import { useEffect } from 'preact/hooks'
import type { Ferry } from '../../engine/ferry.js'

/** Takes files from the clipboard, wherever they are pasted but into a field. */
export function usePaste(ferry: Ferry): void {
  useEffect(() => {
    const take = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length === 0 || isField(event.target)) return
      event.preventDefault()
      ferry.add(files)
    }
    document.addEventListener('paste', take)
    return () => document.removeEventListener('paste', take)
  }, [ferry])
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('textarea, input:not([type=file], [type=checkbox])')
}
