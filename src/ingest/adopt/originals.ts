import type { HiveSourceConfig } from '../../contracts/sources/hive.js'
import { WardbookError } from '../../kernel/errors.js'
import { isOwnPart } from '../../lake/parts.js'
import type { ObjectInfo, ObjectStore, Originals } from '../../lake/store.js'
import { tables } from '../../lake/tables.js'
import type { RawWork } from '../source-work.js'
import type { OriginalsPlace } from './adopt-job.js'
import { foldersOf, kindOfFile } from './hive-path.js'

/** Opens a folder or bucket for reading only; `main` picks the adapter. @param from address as the city file gives it */
export type OpenOriginals = (from: string) => Promise<Originals>

/** A file that is there, before its bytes are looked at. */
export interface FoundFile {
  /** Below the folder. */
  readonly path: string
  readonly bytes: number
  readonly modifiedAt: Date
}

/** All files below a folder: data in ascending order of their paths, and names that are no data. */
export interface FoundFiles {
  readonly data: readonly FoundFile[]
  /** Files that are passed over, and not by the convention of `_` and `.`: a person is told. */
  readonly other: readonly string[]
}

/** Where a source's originals lie. */
export function placeOf(work: RawWork, { from }: HiveSourceConfig): OriginalsPlace {
  return from === undefined ? { root: `${tables.raw(work.datasetId, work.sourceId)}/` } : { from, root: '' }
}

/** The originals as something to read; those inside the lake are read through the lake's own handle. */
export async function originalsOf(
  store: ObjectStore,
  { from }: OriginalsPlace,
  open: OpenOriginals,
): Promise<Originals> {
  return from === undefined ? store : open(from)
}

/** Key of a file in the originals' store. */
export function keyOf({ root }: OriginalsPlace, path: string): string {
  return root + path
}

/**
 * Lists the folder.
 * @param folderKey the key whose value is the division
 * @throws WardbookError 'hive-key-missing' (fix-config) when a file's path has no such folder; 'hive-is-delta' (fix-config) when
 *   the folder is a Delta table, whose log alone says which of its files count
 */
export async function listOriginals(
  originals: Originals,
  place: OriginalsPlace,
  folderKey: string,
): Promise<FoundFiles> {
  const data: FoundFile[] = []
  const other: string[] = []
  for await (const info of originals.list(place.root)) {
    const path = info.key.slice(place.root.length)
    if (place.from !== undefined && path.startsWith('_delta_log/')) throw isDelta(place.from)
    if (place.from === undefined && isOwnPart(path)) continue
    const kind = kindOfFile(path)
    if (kind === 'data') data.push(foundFile(path, info))
    else if (kind === 'other') other.push(path)
  }
  for (const { path } of data) demandFolder(originals, path, folderKey)
  return { data, other }
}

function foundFile(path: string, { size, modifiedAt }: ObjectInfo): FoundFile {
  return { path, bytes: size, modifiedAt }
}

function demandFolder(originals: Originals, path: string, folderKey: string): void {
  const keys = foldersOf(path).map(({ key }) => key)
  if (keys.some((key) => key.toLowerCase() === folderKey.toLowerCase())) return
  const found = keys.length === 0 ? 'none of key=value' : keys.map((key) => `${key}=…`).join(', ')
  throw new WardbookError(
    'hive-key-missing',
    'fix-config',
    `${path} in ${originals.address} lies in no folder ${folderKey}=…; its folders are ${found}: name the right one in \`column\``,
    { path, column: folderKey, keys },
  )
}

function isDelta(from: string): WardbookError {
  return new WardbookError(
    'hive-is-delta',
    'fix-config',
    `${from} is a Delta table: files that its log has removed still lie there. Export its rows to a folder of their own`,
    { from },
  )
}
