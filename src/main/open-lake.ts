import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { WardbookError } from '../kernel/errors.js'
import type { ObjectStore } from '../lake/store.js'
import { LAKE_FILE } from './claim-lake.js'
import type { Environment } from './lake-address.js'
import { openStore } from './open-store.js'
import { parseLakeAddress } from './parse-lake-address.js'

/**
 * The store of a lake that is there already, for commands that only look.
 * @throws WardbookError 'bad-lake-address', 'lake-missing' (fix-config)
 */
export async function openLake(address: string, env: Environment = process.env): Promise<ObjectStore> {
  const place = parseLakeAddress(address, env)
  const missing = () =>
    new WardbookError(
      'lake-missing',
      'fix-config',
      `there is no lake at ${address}: make it with wardbook run`,
      { address },
    )
  if (place.kind === 'folder' && !existsSync(join(place.folder, LAKE_FILE))) throw missing() // and leave no folder
  const store = await openStore(address, env)
  if ((await store.stat(LAKE_FILE)) === undefined) throw missing()
  return store
}
