import { openLocalStore } from '../lake/local/local-store.js'
import type { ObjectStore } from '../lake/store.js'

/** The store at an address: a local folder. */
export function openStore(address: string): Promise<ObjectStore> {
  return openLocalStore(address)
}
