import type { FilesSourceConfig } from '../../contracts/city-file.js'
import { WardbookError } from '../../kernel/errors.js'
import type { Source } from '../source.js'
import { httpSource } from './http-source.js'
import { mirrorSource } from './mirror-source.js'

/** Effects of the files family, as arguments. */
export interface FilesSourceEffects {
  /** Folder that replaces the network, or undefined to use the network. */
  readonly mirror: string | undefined
  readonly fetch: typeof fetch
}

/**
 * A source of plain files: over HTTP, or from a mirror folder.
 * @throws WardbookError 'source-needs-mirror' (fix-config) when there is neither a URL nor a mirror
 */
export function openFilesSource(
  name: string,
  config: FilesSourceConfig,
  effects: FilesSourceEffects,
): Source {
  if (effects.mirror !== undefined) return mirrorSource(name, config, effects.mirror)
  if (config.urls.length > 0) return httpSource(config.urls, effects.fetch)
  throw new WardbookError(
    'source-needs-mirror',
    'fix-config',
    `source ${name} lists no urls: add them to the city file, or give a folder with --mirror`,
    { source: name },
  )
}
