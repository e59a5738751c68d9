import type { FilesSourceConfig } from '../../contracts/sources/files.js'
import { WardbookError } from '../../kernel/errors.js'
import type { HttpClient } from '../http/client.js'
import type { Source } from '../source.js'
import { httpSource } from './http-source.js'
import { mirrorSource } from './mirror-source.js'

/** Effects of the files family, as arguments. */
export interface FilesSourceEffects {
  /** Folder in which the city file's `mirror` patterns are looked up; undefined to use the addresses. */
  readonly mirror: string | undefined
  /** The network, or a mirror in its place. */
  readonly http: HttpClient
  /** The calendar year in the city, for years that are to be found. */
  thisYear(): number
}

/**
 * A source of plain files: from a mirror folder by patterns, else over HTTP.
 * @throws WardbookError 'source-needs-mirror' (fix-config) when there is neither an address nor a mirror
 */
export function openFilesSource(
  name: string,
  config: FilesSourceConfig,
  { mirror, http, thisYear }: FilesSourceEffects,
): Source {
  if (mirror !== undefined && config.mirror.length > 0) return mirrorSource(name, config, mirror)
  if (mirror !== undefined || config.urls.length > 0 || config.find !== undefined)
    return httpSource(name, config, http, thisYear)
  const message = `source ${name} lists no urls: add them to the city file, or give a folder with --mirror`
  throw new WardbookError('source-needs-mirror', 'fix-config', message, { source: name })
}
