import Uppy from '@uppy/core'
import DropTarget from '@uppy/drop-target'
import type { Refusal } from './ferry.js'

/** A file that was taken in. */
export interface Gathered {
  readonly id: string
  readonly file: File
  /** Its path below the folder that was chosen, else its name. */
  readonly name: string
}

interface Listener {
  onFiles(files: readonly Gathered[]): void
  onRefusals(refusals: readonly Refusal[]): void
  onDragging(isOver: boolean): void
}

interface Gathering {
  add(files: readonly File[]): void
  remove(id: string): void
  /** Larger files are refused. Bytes. */
  limit(bytes: number | undefined): void
}

/** A drag that leaves one element enters another at once: only after so many milliseconds it has left the page. */
const LEFT_MS = 150

/** Uppy is given so many files at a time. */
const BATCH = 50

interface Meta {
  [key: string]: unknown
  relativePath: string | null
}

/** For each file that is added, Uppy copies its list of all: so it is given few at a time, and keeps none. */
class Gatherer extends Uppy<Meta> {
  override addFiles(files: Parameters<Uppy<Meta>['addFiles']>[0]): void {
    for (let at = 0; at < files.length; at += BATCH) {
      super.addFiles(files.slice(at, at + BATCH))
      this.setState({ files: {} })
    }
  }
}

/** Takes in files that are chosen, and those that are dropped anywhere on the page; each of them once. */
export function gatherFiles(listener: Listener): Gathering {
  const taken = new Set<string>()
  const uppy = new Gatherer({
    onBeforeFileAdded: ({ id }, others) => !taken.has(id) && !(id in others),
  })
  let left: ReturnType<typeof setTimeout> | undefined
  let refusals: Refusal[] = []

  const dragging = (isOver: boolean, delay = 0): void => {
    clearTimeout(left)
    if (delay === 0) return listener.onDragging(isOver)
    left = setTimeout(() => listener.onDragging(isOver), delay)
  }
  uppy.use(DropTarget, {
    target: document.body,
    onDragOver: () => dragging(true),
    onDragLeave: () => dragging(false, LEFT_MS),
    onDrop: () => dragging(false),
  })
  uppy.on('files-added', (files) => {
    for (const { id } of files) taken.add(id)
    listener.onFiles(
      files.map(({ id, data, name, meta }) => ({
        id,
        file: data as File,
        name: meta.relativePath || name,
      })),
    )
  })
  uppy.on('restriction-failed', (file) => {
    const { maxFileSize } = uppy.opts.restrictions
    const isTooLarge = maxFileSize !== null && (file?.size ?? 0) > maxFileSize
    refusals.push({
      name: file?.name ?? '',
      ...(isTooLarge ? { why: 'too-large', limit: maxFileSize } : { why: 'twice' }),
    })
    // All that one choice brings are told together.
    if (refusals.length > 1) return
    setTimeout(() => {
      listener.onRefusals(refusals)
      refusals = []
    })
  })

  return {
    add(files) {
      listener.onRefusals([])
      try {
        uppy.addFiles(files.map((file) => descriptorOf(file)))
      } catch {
        // What it refuses, it has told.
      }
    },
    remove: (id) => void taken.delete(id),
    limit: (bytes) => uppy.setOptions({ restrictions: { maxFileSize: bytes ?? null } }),
  }
}

function descriptorOf(file: File) {
  return {
    source: 'page',
    name: file.name,
    type: file.type,
    data: file,
    meta: { relativePath: file.webkitRelativePath || null },
  }
}
