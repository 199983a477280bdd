/** An upload that will not be finished. */
export interface Trial {
  url: string
  md5: string
  offset: number
}

/** What a PATCH at the trial's end has to say. */
export function patchHeaders({ offset }: { offset: number }): Record<string, string> {
  return {
    'tus-resumable': '1.0.0',
    'upload-offset': `${offset}`,
    'content-type': 'application/offset+octet-stream',
  }
}
