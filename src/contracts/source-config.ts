import { z } from 'zod'
import { ArcgisSource } from './sources/arcgis.js'
import { CkanSource } from './sources/ckan.js'
import { FilesSource } from './sources/files.js'
import { LegistarSource } from './sources/legistar.js'
import { ModuleSource } from './sources/module.js'
import { OpendatasoftSource } from './sources/opendatasoft.js'
import { SocrataSource } from './sources/socrata.js'

/** How one source of a dataset is read: its portal family decides which settings there are. */
export const SourceConfig = z.discriminatedUnion('family', [
  FilesSource,
  SocrataSource,
  CkanSource,
  ArcgisSource,
  OpendatasoftSource,
  LegistarSource,
  ModuleSource,
])
export type SourceConfig = z.infer<typeof SourceConfig>
export type SourceFamily = SourceConfig['family']
