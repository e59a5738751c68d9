import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'

/** Newest layout of a lake that this release reads and writes. */
const LAKE_FORMAT = 1
/** Says whose lake a base path is; also the sign that there is one. */
export const LAKE_FILE = 'lake.json'

const LakeFile = z.looseObject({ formatVersion: z.int(), city: z.string() })

/**
 * Makes sure that the base path belongs to this city and has a layout that we know; a new lake is given both.
 * @throws WardbookError 'lake-of-other-city', 'lake-newer-format' (fix-config), 'lake-file-broken' (fix-source)
 */
export async function claimLake(store: ObjectStore, city: string): Promise<void> {
  const own = scopeTo('main', store)
  const fresh = new TextEncoder().encode(`${JSON.stringify({ formatVersion: LAKE_FORMAT, city })}\n`)
  const isFree = (await own.stat(LAKE_FILE)) === undefined // a store that lies (--single-writer) would replace it
  if (isFree && (await own.createIfAbsent(LAKE_FILE, fresh)) === 'created') return
  const { formatVersion, city: owner } = parseLakeFile(store, await own.get(LAKE_FILE))
  if (formatVersion > LAKE_FORMAT) {
    const message = `${store.address} has lake format ${formatVersion}; this release knows ${LAKE_FORMAT}: use a newer wardbook`
    throw new WardbookError('lake-newer-format', 'fix-config', message, { formatVersion, known: LAKE_FORMAT })
  }
  if (owner !== city) {
    const message = `${store.address} is the lake of '${owner}', not of '${city}': give each city a base path of its own (--lake)`
    throw new WardbookError('lake-of-other-city', 'fix-config', message, { owner, city })
  }
}

function parseLakeFile(store: ObjectStore, bytes: Uint8Array | undefined): z.infer<typeof LakeFile> {
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
