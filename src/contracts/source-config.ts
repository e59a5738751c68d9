import { z } from 'zod'
import { ArcgisSource } from './sources/arcgis.js'
import { CkanSource } from './sources/ckan.js'
import { FilesSource } from './sources/files.js'
import { HiveSource } from './sources/hive.js'
import { LegistarSource } from './sources/legistar.js'
import { ModuleSource } from './sources/module.js'
import { OpendatasoftSource } from './sources/opendatasoft.js'
import { SocrataSource } from './sources/socrata.js'

/** How one source of a dataset is read: its portal family decides which settings there are. */
export const SourceConfig = z.discriminatedUnion(
  'family',
  [
    FilesSource,
    SocrataSource,
    CkanSource,
    ArcgisSource,
    OpendatasoftSource,
    LegistarSource,
    HiveSource,
    ModuleSource,
  ],
  { error: 'name a family: files, socrata, ckan, arcgis, opendatasoft, legistar, hive or module' },
)
export type SourceConfig = z.infer<typeof SourceConfig>
export type SourceFamily = SourceConfig['family']
/** Sources that are read page by page; hive folders are adopted instead. */
export type PagedSourceConfig = Exclude<SourceConfig, { family: 'hive' }>
