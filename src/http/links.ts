import type { Config } from '../config.js'
import { PATHS, type Md5 } from '../contract.js'
import type { Signer } from './guard/signer.js'

/** The URLs that are handed out. */
export interface Links {
  /** A content's permanent link, by its file's name on the shelf. */
  file(name: string): string
  /** The same for closed files, for everybody, and for so many seconds; undefined where files are open anyway. */
  signed(name: string, md5: Md5, seconds: number): string | undefined
  /** Where an upload can be continued. */
  upload(id: string): string
}

/**
 * Links below the public URL. An upload's own URL stays relative unless the operator said where the public finds us:
 * whatever address the client came by works for it.
 */
export function createLinks(
  { publicUrl, behindProxy, filesOrigin }: Pick<Config, 'publicUrl' | 'behindProxy' | 'filesOrigin'>,
  signer?: Signer,
): Links {
  const file = (name: string): string => `${filesOrigin || publicUrl}${PATHS.files}/${name}`
  return {
    file,
    signed: (name, md5, seconds) => signer && `${file(name)}?${signer.query(md5, seconds)}`,
    upload: (id) => `${behindProxy ? publicUrl : ''}${PATHS.tus}/${id}`,
  }
}
