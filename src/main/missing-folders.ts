import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SCRATCH } from '../lake/local/local-store.js'
import type { Environment } from './lake-address.js'
import { parseLakeAddress } from './parse-lake-address.js'

/**
 * Notes which folders on the way to a lake are not there yet, as opening a lake makes them.
 * @returns removes those of them that are empty: for commands that only plan
 * @throws WardbookError 'bad-lake-address' (fix-config)
 */
export async function noteMissingFolders(
  lake: string,
  env: Environment = process.env,
): Promise<() => Promise<void>> {
  const place = parseLakeAddress(lake, env)
  const missing: string[] = []
  if (place.kind === 'folder') {
    const { folder } = place
    for (let at = folder; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at)
    if (missing.length > 0) missing.unshift(join(folder, SCRATCH))
  }
  return async () => {
    for (const folder of missing) await rmdir(folder).catch(ignoreIfUsed)
  }
}

/** Somebody else made a lake there meanwhile, or nothing was made. */
function ignoreIfUsed(thrown: NodeJS.ErrnoException): void {
  if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(thrown.code ?? '')) throw thrown
}
