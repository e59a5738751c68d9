import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'

/** Newest layout of a lake that this release reads, and the only one that it writes. */
export const LAKE_FORMAT = 2
/** Says whose lake a base path is; also the sign that there is one. */
export const LAKE_FILE = 'lake.json'

const LakeFile = z.looseObject({ formatVersion: z.int(), city: z.string() })
/** What `lake.json` says; a newer release may say more. */
export type LakeFile = z.infer<typeof LakeFile>

/**
 * Makes sure that the base path belongs to this city and has the layout that we write; a new lake is given both.
 * @throws WardbookError 'lake-of-other-city', 'lake-older-format', 'lake-newer-format' (fix-config), 'lake-file-broken'
 *   (fix-source)
 */
export async function claimLake(store: ObjectStore, city: string): Promise<void> {
  const own = scopeTo('main', store)
  const fresh = formatLakeFile({ formatVersion: LAKE_FORMAT, city })
  const isFree = (await own.stat(LAKE_FILE)) === undefined // a store that lies (--single-writer) would replace it
  if (isFree && (await own.createIfAbsent(LAKE_FILE, fresh)) === 'created') return
  const { formatVersion } = await checkLake(store, city)
  if (formatVersion < LAKE_FORMAT) throw olderFormat(store, formatVersion)
}

/**
 * Makes sure that the base path belongs to this city and has a layout that we read: ours, or that of an earlier release.
 * @throws WardbookError 'lake-of-other-city', 'lake-newer-format' (fix-config), 'lake-file-broken' (fix-source)
 */
export async function checkLake(store: ObjectStore, city: string): Promise<LakeFile> {
  const lakeFile = await readLakeFile(store)
  if (lakeFile.city === city) return lakeFile
  const owner = lakeFile.city
  const message = `${store.address} is the lake of '${owner}', not of '${city}': give each city a base path of its own (--lake)`
  throw new WardbookError('lake-of-other-city', 'fix-config', message, { owner, city })
}

/** What the lake says of itself. @throws WardbookError 'lake-newer-format' (fix-config), 'lake-file-broken' (fix-source) */
export async function readLakeFile(store: ObjectStore): Promise<LakeFile> {
  const lakeFile = parseLakeFile(store, await scopeTo('main', store).get(LAKE_FILE))
  const { formatVersion } = lakeFile
  if (formatVersion <= LAKE_FORMAT) return lakeFile
  const message = `${store.address} has lake format ${formatVersion}; this release knows ${LAKE_FORMAT}: use a newer wardbook`
  throw new WardbookError('lake-newer-format', 'fix-config', message, { formatVersion, known: LAKE_FORMAT })
}

/** The bytes of `lake.json`. */
export function formatLakeFile(lakeFile: LakeFile): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(lakeFile)}\n`)
}

function olderFormat({ address }: ObjectStore, formatVersion: number): WardbookError {
  const message =
    `${address} has lake format ${formatVersion}, and this release writes ${LAKE_FORMAT}: ` +
    `bring it up to date with wardbook lake migrate --lake ${address}`
  return new WardbookError('lake-older-format', 'fix-config', message, { formatVersion, known: LAKE_FORMAT })
}

function parseLakeFile(store: ObjectStore, bytes: Uint8Array | undefined): LakeFile {
  try {
    return LakeFile.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    throw new WardbookError(
      'lake-file-broken',
      'fix-source',
      `${store.address}/${LAKE_FILE} cannot be read`,
      {},
      { cause },
    )
  }
}
