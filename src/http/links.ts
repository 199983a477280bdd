import { PATHS } from '../contract.js'

/** The URLs that are handed out. */
export interface Links {
  /** A content's permanent link, by its file's name on the shelf. */
  file(name: string): string
  /** Where an upload can be continued. */
  upload(id: string): string
}

/**
 * Links below the public URL. An upload's own URL stays relative unless the operator said where the public finds us:
 * whatever address the client came by works for it.
 */
export function createLinks(publicUrl: string, behindProxy: boolean): Links {
  return {
    file: (name) => `${publicUrl}${PATHS.files}/${name}`,
    upload: (id) => `${behindProxy ? publicUrl : ''}${PATHS.tus}/${id}`,
  }
}
