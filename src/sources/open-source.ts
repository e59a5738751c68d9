import type { PagedSourceConfig } from '../contracts/source-config.js'
import { FilesSource } from '../contracts/sources/files.js'
import type { HttpClient } from './http/client.js'
import type { Source } from './source.js'

/** What sources are opened with. */
export interface SourceEffects {
  /** The network, or a recording in its place. */
  readonly http: HttpClient
  /** Environment: the only place where a token may be. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder in which `mirror` patterns are looked up; undefined: portals are asked. */
  readonly mirror: string | undefined
  /** Folder of the city file, for modules. */
  readonly cityFolder: string
  /** Milliseconds since 1970; tells which year is the current one. */
  now(): number
}

/**
 * The source that a city file describes, of whatever family: only that one is loaded, which saves 80 ms and some MiB. Where a mirror is given and the source has patterns for it, the files that they name
 * take the portal's place.
 * @param name `<dataset>/<source>`, for messages
 * @throws WardbookError 'source-needs-mirror', 'module-missing', 'module-unusable', 'module-failed' (fix-config)
 */
export async function openSource(
  name: string,
  config: PagedSourceConfig,
  effects: SourceEffects,
): Promise<Source> {
  const { http, env, mirror, cityFolder: folder, now } = effects
  if (mirror !== undefined && config.mirror.length > 0)
    return (await import('./files/mirror-source.js')).mirrorSource(name, asFiles(config), mirror)
  const tools = { http, env, now }
  switch (config.family) {
    case 'files':
      return (await import('./files/files-source.js')).openFilesSource(name, config, {
        mirror,
        http,
        thisYear: () => new Date(now()).getUTCFullYear(),
      })
    case 'socrata':
      return (await import('./socrata/socrata-source.js')).openSocrataSource(name, config, tools)
    case 'ckan':
      return (await import('./ckan/ckan-source.js')).openCkanSource(name, config, tools)
    case 'arcgis':
      return (await import('./arcgis/arcgis-source.js')).openArcgisSource(name, config, tools)
    case 'opendatasoft':
      return (await import('./opendatasoft/opendatasoft-source.js')).openOpendatasoftSource(
        name,
        config,
        tools,
      )
    case 'legistar':
      return (await import('./legistar/legistar-source.js')).openLegistarSource(name, config, tools)
    case 'module':
      return (await import('./module/open-module.js')).openModuleSource(name, config, { folder, http, env })
  }
}

/** The settings of files in a portal's place. */
function asFiles(config: PagedSourceConfig) {
  return config.family === 'files' ? config : FilesSource.parse({ family: 'files', mirror: config.mirror })
}
