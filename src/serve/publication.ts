import type { CityFile } from '../contracts/city-file.js'
import type { Clock } from '../kernel/time.js'
import { openEngine, QUERY } from '../lake/duckdb/engine.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { Edition, Shelf } from './edition.js'
import { TableReader } from './table-reader.js'
import { WorldWatch } from './world.js'

/** Settings of {@link openPublication}; the defaults are for a server. */
export interface PublicationOptions {
  /** How long table versions are taken for the newest, in milliseconds; 0: look at every request. Default 1,000. */
  readonly freshMs?: number
  readonly clock?: Clock
}

/**
 * The one publication view: pages, CSV, JSON and API get all they show from here, masked here.
 * Safe for any number of callers at a time.
 */
export interface Publication {
  readonly city: CityFile
  /** What is published now. @throws WardbookError of the table logs: 'delta-log-broken', 'delta-log-gap', 'store-unavailable' */
  edition(): Promise<Edition>
  /** Ends the query engine; editions give nothing after it. */
  close(): Promise<void>
}

/**
 * Opens a lake for reading pages.
 * @param store the lake, unscoped; it is used with the rights of `serve` only
 */
export async function openPublication(
  store: ObjectStore,
  city: CityFile,
  { freshMs, clock }: PublicationOptions = {},
): Promise<Publication> {
  const own = scopeTo('serve', store)
  const scratch = await own.scratch()
  const { engine, close } = await openEngine(QUERY, scratch.folder)
  const reader = new TableReader(own, engine)
  const watch = new WorldWatch(own, city, freshMs, clock)
  const shelf = new Shelf()
  return {
    city,
    edition: async () => new Edition(city, await watch.current(), reader, shelf),
    close: async () => {
      await reader.idle()
      close()
      await scratch.remove()
    },
  }
}
