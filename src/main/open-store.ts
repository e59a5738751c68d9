import { existsSync } from 'node:fs'
import { WardbookError } from '../kernel/errors.js'
import { openLocalOriginals, openLocalStore } from '../lake/local/local-store.js'
import type { ObjectStore, Originals } from '../lake/store.js'
import { absoluteAddress, type Environment, type LakePlace, schemeOf } from './lake-address.js'

/**
 * The store at an address: a folder, or `s3://bucket/base/path` with options from the environment (`LAKE_VARIABLES`).
 * Nothing else decides, so a child process that is given the address opens the same store.
 * @throws WardbookError 'bad-lake-address' (fix-config)
 */
export async function openStore(address: string, env: Environment = process.env): Promise<ObjectStore> {
  const place = await placeOf(address, env)
  if (place.kind === 'folder') return openLocalStore(place.folder)
  const { openS3Store } = await import('../lake/s3/s3-store.js') // the SDK is heavy, and most processes need a folder
  return openS3Store(place.settings)
}

/**
 * Somebody's folder or bucket, only to be read: nothing is made in it. A bucket is reached with the lake's own settings.
 * @throws WardbookError 'bad-lake-address', 'originals-missing', 'originals-in-lake' (fix-config)
 */
export async function openOriginals(
  from: string,
  lake: string,
  env: Environment = process.env,
): Promise<Originals> {
  const place = await placeOf(from, env)
  if (isWithin(absoluteAddress(from), absoluteAddress(lake))) {
    const message = `${from} lies in the lake ${lake}: what is there already is adopted in place, leave out \`from\``
    throw new WardbookError('originals-in-lake', 'fix-config', message, { from, lake })
  }
  if (place.kind === 's3') return openStore(from, env)
  if (!existsSync(place.folder)) {
    const message = `there is no folder ${place.folder}: correct \`from\` in the city file`
    throw new WardbookError('originals-missing', 'fix-config', message, { from })
  }
  return openLocalOriginals(place.folder)
}

function isWithin(address: string, base: string): boolean {
  return `${address.replace(/\/$/, '')}/`.startsWith(`${base.replace(/\/$/, '')}/`)
}

/** A folder needs nothing of what reads the settings of buckets: a part worker's memory is for its part. */
async function placeOf(address: string, env: Environment): Promise<LakePlace> {
  if (schemeOf(address) === undefined && address.trim() !== '')
    return { kind: 'folder', folder: absoluteAddress(address) }
  const { parseLakeAddress } = await import('./parse-lake-address.js')
  return parseLakeAddress(address, env)
}
